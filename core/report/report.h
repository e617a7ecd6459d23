// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/experiment/preset.h"
#include "core/experiment/run_result.h"
#include "core/experiment/sensitivity.h"

namespace quantscope {

/// What a report shows.
struct ReportContent {
  std::span<const RunResult> runs;
  const Preset* preset = nullptr;                     ///< published figures to set beside the runs
  std::vector<SensitivityMeasurement> sensitivities;  ///< rows in any order
};

/// What became of the PNG files of a report.
struct DrawnCharts {
  bool drawn = false;   ///< false: there are none, as the window program, which draws them, is missing or failed
  std::string weights;  ///< what weights.png shows, or why it is not there: a sentence
};
/// Draws the charts of these runs into the folder: accuracy.png, divergence.png, memory.png, weights.png and
/// levels.png, each where it has something to show. Those of an earlier report that it does not draw are removed.
using DrawCharts = std::function<Result<DrawnCharts>(const std::filesystem::path& folder, std::span<const RunResult>)>;

/// The whole report, made by the window and by the command line alike: the folder (created if missing), tables and
/// run.json, charts, and report.html with all of them.
Result<void> write_report(const std::filesystem::path& folder, ReportContent content, const DrawCharts& draw);

/// Its tables and run.json alone: what is written again after every run of a comparison.
Result<void> write_report_tables(const std::filesystem::path& folder, const ReportContent& content);

}  // namespace quantscope
