// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <span>

#include "core/report/report.h"
#include "ui/charts/chart_data.h"

namespace quantscope::ui {

/// write_report() with the charts drawn here. `weights` is the histogram that the window shows; where it is empty, that
/// of weights_figure() is drawn.
Result<void> export_report(const QString& folder, ReportContent content, const ChartData& weights = {});
/// Draws the charts of a folder that holds a run.json.
Result<void> render_report(const QString& folder);

/// A run.json, or one run of it, read back.
Result<std::vector<RunResult>> read_runs(const QString& path);

}  // namespace quantscope::ui
