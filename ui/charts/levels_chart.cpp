// SPDX-License-Identifier: GPL-3.0-or-later
#include <QCoreApplication>
#include <array>
#include <cmath>
#include <numbers>

#include "ui/charts/weight_charts.h"
#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

constexpr std::array<DataType, 3> types = {DataType::nf4, DataType::int4, DataType::fp4};
constexpr double row_step = 0.16;
/// A normal value in a block of 64 has an expected absmax of about 2.5 standard deviations; the curve is drawn with it.
constexpr double typical_absmax = 2.5;

QString tr(const char* text) { return QCoreApplication::translate("LevelsChart", text); }

ChartSeries density_curve() {
  ChartSeries series;
  series.name = tr("density of normal weights, absmax = %1 standard deviations").arg(typical_absmax);
  series.color = QColor(0x80, 0x80, 0x80);
  for (int i = -300; i <= 300; ++i) {
    const double x = i / 300.0, z = x * typical_absmax;
    series.x << x;
    series.y << std::exp(-z * z / 2);
  }
  return series;
}

ChartSeries marks(DataType type, const std::vector<float>& at, double row, bool thresholds) {
  ChartSeries series;
  const QString label = to_qt(data_type_info(type).label);
  series.name = thresholds ? tr("%1 decision thresholds").arg(label) : tr("%1 levels").arg(label);
  series.shape = SeriesShape::points;
  series.color = type_color(type);
  series.marker = thresholds ? Marker::cross : type_marker(type);
  series.faded = thresholds;
  series.in_legend = false;  // the rows are labelled on the axis
  for (const float x : at) {
    series.x << x;
    series.y << row;
  }
  return series;
}

}  // namespace

ChartData levels_chart() {
  ChartData chart;
  chart.name = QStringLiteral("levels");
  chart.series.push_back(density_curve());
  double row = 0;
  for (const DataType type : types) {
    row -= row_step;
    const LevelTable table = level_table(type);
    chart.series.push_back(marks(type, table.levels, row, false));
    chart.series.push_back(marks(type, table.thresholds, row, true));
    chart.y.labels.emplace_back(row, QString::fromStdString(table.name));
  }
  for (const double density : {0.0, 0.25, 0.5, 0.75, 1.0})
    chart.y.labels.emplace_back(density, QString::number(density));
  chart.x.title = tr("Weight / absmax of its block (marks: levels, ×: decision thresholds)");
  chart.x.range = {-1.08, 1.08};
  chart.y.title = tr("Relative density");
  chart.y.range = {row - row_step, 1.1};
  chart.summary = levels_summary(64);
  return chart;
}

QString levels_summary(std::int64_t block_size) {
  const auto percent = [&](DataType type) {
    return QString::number(100 * expected_relative_error(level_table(type), block_size), 'f', 2);
  };
  return tr("NF4 puts its levels where normal weights are dense: in blocks of %1 its expected error is %2 %, against "
            "%3 % "
            "for evenly spaced INT4 and %4 % for FP4.")
      .arg(block_size)
      .arg(percent(DataType::nf4), percent(DataType::int4), percent(DataType::fp4));
}

}  // namespace quantscope::ui
