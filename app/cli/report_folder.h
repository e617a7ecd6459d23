// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "core/experiment/preset.h"
#include "core/experiment/run_result.h"
#include "core/experiment/sensitivity.h"

namespace quantscope::cli {

/// The whole report: tables, run.json, charts and report.html, and layers.csv where there are sensitivities. Charts are
/// drawn by the window program beside this one; where that is missing, standard error says so. `preset` may be null.
Result<void> write_report_folder(const std::filesystem::path& folder, std::span<const RunResult> runs,
                                 const Preset* preset, std::vector<SensitivityMeasurement> sensitivities = {});

}  // namespace quantscope::cli
