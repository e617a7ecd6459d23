// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPalette>
#include <QSet>
#include <memory>

#include "ui/charts/chart_data.h"

class QCustomPlot;

namespace quantscope::ui {

/// Turns series of a chart into objects of the plotting library. The plot is emptied first.
void build_plot(QCustomPlot& plot, const ChartData& chart, const QSet<QString>& hidden);
/// Background, axes and legend follow a palette.
void apply_palette(QCustomPlot& plot, const QPalette& palette);
/// Shows what ChartAxis::range says, else all data with a margin.
void apply_default_ranges(QCustomPlot& plot, const ChartData& chart);

}  // namespace quantscope::ui
