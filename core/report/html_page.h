// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <span>

#include "core/experiment/preset.h"
#include "core/experiment/run_result.h"

namespace quantscope {

/// What stands in report.html beside the runs.
struct HtmlExtras {
  bool charts = false;             ///< the PNG charts in the folder were drawn for these runs
  const Preset* preset = nullptr;  ///< published figures to set beside the runs
};

/// The report as one page: the table, what the differences support, the charts with the sentence that each supports,
/// protocols and caveats. It needs no other file and no network.
std::string report_html(std::span<const RunResult> runs, const std::filesystem::path& folder, const HtmlExtras& extras);

/// Writes it as report.html into the folder of the report.
Result<void> write_html_report(const std::filesystem::path& folder, std::span<const RunResult> runs,
                               const HtmlExtras& extras);

}  // namespace quantscope
