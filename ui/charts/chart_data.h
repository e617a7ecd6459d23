// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QString>
#include <QVector>
#include <optional>
#include <utility>
#include <vector>

#include "ui/theme/type_style.h"

namespace quantscope::ui {

struct ChartAxis {
  QString title;  ///< with its unit
  bool logarithmic = false;
  std::vector<std::pair<double, QString>> labels;  ///< instead of numbers, when not empty
  std::optional<std::pair<double, double>> range;  ///< what "reset" shows; empty: all data
  bool fixed = false;                              ///< always shows its whole range: zooming leaves it alone
};

enum class SeriesShape {
  line,
  histogram,        ///< x: left edges of equal bins
  points,           ///< markers, with horizontal error bars where `error` is given
  horizontal_bars,  ///< y: positions, x: lengths; bars of one `stack` are put end to end
  vertical_lines,   ///< at each x, over the whole height
};

/// One entry of the legend.
struct ChartSeries {
  QString name;
  SeriesShape shape = SeriesShape::line;
  QVector<double> x, y;
  QVector<double> error;  ///< of x, points only
  QColor color;
  Marker marker = Marker::circle;
  Qt::PenStyle pen = Qt::SolidLine;
  int stack = 0;
  bool faded = false;  ///< drawn lightly: a forecast, or a difference that is not resolved
  bool in_legend = true;
};

/// Says in the legend, in grey, what a solid (or pale) marker stands for in every series; it has no points.
ChartSeries legend_entry(const QString& name, bool faded);

/// Text at a point of the chart.
struct ChartNote {
  double x = 0, y = 0;
  QString text;
};

/// Everything a chart shows, as values; ChartView draws it and exports write it.
struct ChartData {
  QString name;     ///< file name without suffix: "memory"
  QString summary;  ///< one sentence that says what it shows; also what a screen reader reads
  ChartAxis x, y;
  std::vector<ChartSeries> series;
  std::vector<ChartNote> notes;

  bool empty() const { return series.empty(); }
};

/// "series,<x title>,<y title>,error" with one row per point; dot decimals.
QString chart_csv(const ChartData& chart);

}  // namespace quantscope::ui
