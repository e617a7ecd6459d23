// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/chart_data.h"

#include <QTextStream>
#include <algorithm>

#include "ui/models/table_text.h"

namespace quantscope::ui {
namespace {

QString label_at(const ChartAxis& axis, double value) {
  const auto label =
      std::find_if(axis.labels.begin(), axis.labels.end(), [&](const auto& l) { return l.first == value; });
  return label == axis.labels.end() ? QString::number(value, 'g', 17) : csv_field(label->second);
}

}  // namespace

ChartSeries legend_entry(const QString& name, bool faded) {
  ChartSeries series;
  series.name = name;
  series.shape = SeriesShape::points;
  series.color = QColor(0x80, 0x80, 0x80);
  series.faded = faded;
  return series;
}

QString chart_csv(const ChartData& chart) {
  QString text;
  QTextStream out(&text);
  out << "series," << csv_field(chart.x.title) << ',' << csv_field(chart.y.title) << ",error\n";
  for (const ChartSeries& series : chart.series)
    for (qsizetype i = 0; i < series.x.size(); ++i) {
      out << csv_field(series.name) << ',' << label_at(chart.x, series.x[i]) << ',';
      if (i < series.y.size()) out << label_at(chart.y, series.y[i]);
      out << ',';
      if (i < series.error.size()) out << QString::number(series.error[i], 'g', 17);
      out << '\n';
    }
  out.flush();
  return text;
}

}  // namespace quantscope::ui
