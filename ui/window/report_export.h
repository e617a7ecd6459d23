// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <span>

#include "core/experiment/run_result.h"
#include "ui/charts/chart_data.h"

namespace quantscope::ui {

/// Draws memory.png, levels.png and, where there are figures, accuracy.png and divergence.png into an existing folder;
/// with `weights`, the histogram of a tensor, weights.png.
Result<void> write_charts(const QString& folder, std::span<const RunResult> runs, const ChartData& weights = {});
/// Tables, run.json, charts and report.html; makes the folder.
Result<void> export_report(const QString& folder, std::span<const RunResult> runs, const ChartData& weights = {});
/// Draws the charts of a folder that holds a run.json.
Result<void> render_report(const QString& folder);

/// A run.json, or one run of it, read back.
Result<std::vector<RunResult>> read_runs(const QString& path);

}  // namespace quantscope::ui
