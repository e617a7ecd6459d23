// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/readout.h"

#include <algorithm>
#include <cmath>

namespace quantscope::ui {
namespace {

constexpr double near_pixels = 24;

struct Nearest {
  const ChartSeries* series = nullptr;
  qsizetype index = 0;
  double distance = near_pixels;
};

QString coordinate(const ChartAxis& axis, double value) {
  const auto label = std::find_if(axis.labels.begin(), axis.labels.end(),
                                  [&](const auto& entry) { return std::abs(entry.first - value) < 0.5; });
  if (label != axis.labels.end()) return label->second;
  return QStringLiteral("%1 = %2").arg(axis.title, QString::number(value, 'g', 5));
}

/// The bin a histogram has under `x`, or -1.
qsizetype bin_at(const ChartSeries& series, double x) {
  if (series.x.size() < 2 || x < series.x.front() || x > series.x.back()) return -1;
  const auto next = std::upper_bound(series.x.begin(), series.x.end(), x);
  return std::distance(series.x.begin(), next) - 1;
}

}  // namespace

QString readout_text(const ChartData& chart, const QSet<QString>& hidden, double x, double y,
                     const std::function<double(double, double)>& distance) {
  QString text;
  Nearest nearest;
  for (const ChartSeries& series : chart.series) {
    if (hidden.contains(series.name)) continue;
    if (series.shape == SeriesShape::histogram) {
      if (const qsizetype bin = bin_at(series, x); bin >= 0)
        text += QStringLiteral("%1: %2    ").arg(series.name, QString::number(series.y[bin], 'g', 8));
      continue;
    }
    for (qsizetype i = 0; i < series.x.size(); ++i) {
      const double away = distance(series.x[i], i < series.y.size() ? series.y[i] : y);
      if (away < nearest.distance) nearest = {&series, i, away};
    }
  }
  if (nearest.series == nullptr) return text + coordinate(chart.x, x);
  text += QStringLiteral("%1: %2").arg(nearest.series->name, coordinate(chart.x, nearest.series->x[nearest.index]));
  if (nearest.index < nearest.series->error.size())
    text += QStringLiteral(" ± %1").arg(nearest.series->error[nearest.index], 0, 'g', 3);
  if (nearest.index < nearest.series->y.size())
    text += QStringLiteral(", ") + coordinate(chart.y, nearest.series->y[nearest.index]);
  return text;
}

}  // namespace quantscope::ui
