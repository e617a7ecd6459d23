// SPDX-License-Identifier: GPL-3.0-or-later
#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ui/charts/histogram.h"
#include "ui/charts/weight_charts.h"
#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

constexpr double log_floor = 0.5;  // bins without values vanish below the axis

QString tr(const char* text) { return QCoreApplication::translate("HistogramChart", text); }

ChartSeries counts_series(const BinnedCounts& counts, const QString& name, const QColor& color, bool logarithmic) {
  ChartSeries series;
  series.name = name;
  series.shape = SeriesShape::histogram;
  series.x = counts.left;
  series.y = counts.count;
  series.color = color;
  if (logarithmic)
    for (double& count : series.y) count = std::max(count, log_floor);
  return series;
}

ChartSeries normal_curve(const TensorStatistics& statistics, const HistogramView& view, double width) {
  ChartSeries series;
  series.name = tr("normal curve of the same mean and deviation");
  series.color = QColor(0x80, 0x80, 0x80);
  series.pen = Qt::DashLine;
  const double deviation = statistics.standard_deviation;
  if (!(deviation > 0)) return series;
  const double peak = static_cast<double>(statistics.count) * width / (deviation * std::sqrt(2 * std::numbers::pi));
  constexpr int points = 400;
  for (int i = 0; i <= points; ++i) {
    const double x = view.range.first + (view.range.second - view.range.first) * i / points;
    const double z = (x - statistics.mean) / deviation;
    const double y = peak * std::exp(-z * z / 2);
    if (view.logarithmic && y < log_floor) continue;
    series.x << x;
    series.y << y;
  }
  return series;
}

ChartSeries level_lines(const TensorPreview& preview, const HistogramView& view) {
  ChartSeries series;
  const LevelTable table = level_table(view.type);
  const bool too_many = table.levels.size() > 32;
  series.name = tr("%1 levels × median absmax of a block").arg(QString::fromStdString(table.name));
  series.shape = SeriesShape::vertical_lines;
  series.color = type_color(view.type);
  if (too_many || preview.median_absmax <= 0) return series;
  for (const float level : table.levels) series.x << level * preview.median_absmax;
  return series;
}

QString error_sentence(const TensorPreview& preview, DataType type) {
  if (!preview.error) return {};
  return tr("%1 changes it by %2 % (relative error, %3 dB SQNR).")
      .arg(to_qt(data_type_info(type).label))
      .arg(100 * preview.error->relative_error, 0, 'f', 2)
      .arg(preview.error->sqnr_db, 0, 'f', 1);
}

QString summary(const TensorPreview& preview, const HistogramView& view) {
  const TensorStatistics& statistics = preview.source;
  const double tails = statistics.excess_kurtosis;
  const QString shape = tails > 0.5    ? tr("heavier tails than a normal curve")
                        : tails < -0.5 ? tr("lighter tails than a normal curve")
                                       : tr("nearly the tails of a normal curve");
  QString text =
      tr("%1: %2 values, standard deviation %3, %4 (excess kurtosis %5), %6 outliers.")
          .arg(view.tensor, format_count(statistics.count), format_number(statistics.standard_deviation, 3), shape)
          .arg(tails, 0, 'f', 2)
          .arg(format_count(statistics.outliers));
  const QString error = error_sentence(preview, view.type);
  return error.isEmpty() ? text : text + u' ' + error;
}

}  // namespace

std::pair<double, double> full_range(const TensorStatistics& statistics) {
  const double span = statistics.maximum - statistics.minimum;
  const double margin = span > 0 ? 0.03 * span : std::max(1e-6, std::abs(statistics.maximum) * 0.1);
  return {statistics.minimum - margin, statistics.maximum + margin};
}

ChartData histogram_chart(const TensorPreview& preview, const HistogramView& view) {
  ChartData chart;
  chart.name = QStringLiteral("weights");
  chart.summary = summary(preview, view);
  const auto [low, high] = view.range;
  const BinnedCounts source = rebin(preview.source.histogram, low, high, view.bins);
  if (source.left.isEmpty()) return chart;
  double top = std::max(1.0, *std::max_element(source.count.begin(), source.count.end()));
  chart.series.push_back(counts_series(source, tr("weights"), QColor(0x00, 0x72, 0xb2), view.logarithmic));
  if (preview.decoded) {
    const BinnedCounts decoded = rebin(preview.decoded->histogram, low, high, view.bins);
    const QString name = tr("after %1").arg(to_qt(data_type_info(view.type).label));
    chart.series.push_back(counts_series(decoded, name, type_color(view.type), view.logarithmic));
    chart.series.back().pen = Qt::DotLine;
  }
  chart.series.push_back(normal_curve(preview.source, view, source.width));
  ChartSeries levels = level_lines(preview, view);
  if (!levels.x.isEmpty()) chart.series.push_back(std::move(levels));
  chart.x.title = tr("Value of %1").arg(view.tensor);
  chart.x.range = full_range(preview.source);
  chart.y.title = tr("Values per bin of width %1").arg(format_number(source.width, 3));
  chart.y.logarithmic = view.logarithmic;
  chart.y.fixed = true;
  top *= view.logarithmic ? 3 : 1.12;
  chart.y.range = {view.logarithmic ? log_floor : 0.0, top};
  return chart;
}

}  // namespace quantscope::ui
