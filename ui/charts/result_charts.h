// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "ui/charts/chart_data.h"
#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// Stacked bars per configuration: forecast (pale) above measured, with the commonly reported figure as a mark.
ChartData memory_chart(const std::vector<const RunEntry*>& runs);
/// F1 and EM with standard errors per configuration.
ChartData accuracy_chart(const std::vector<const RunEntry*>& runs, Scorer scorer);
/// KL divergence per configuration: mean with standard error, and percentiles over positions.
ChartData divergence_chart(const std::vector<const RunEntry*>& runs);
/// What has to be said beside the scores: n, scorer, dataset notes, baseline note.
QStringList accuracy_notes(const std::vector<const RunEntry*>& runs, Scorer scorer);

}  // namespace quantscope::ui
