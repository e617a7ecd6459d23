// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/plot_builder.h"

#include <qcustomplot.h>

#include <cmath>
#include <limits>
#include <map>

namespace quantscope::ui {
namespace {

QCPScatterStyle::ScatterShape scatter_shape(Marker marker) {
  switch (marker) {
    case Marker::circle: return QCPScatterStyle::ssDisc;
    case Marker::square: return QCPScatterStyle::ssSquare;
    case Marker::diamond: return QCPScatterStyle::ssDiamond;
    case Marker::triangle: return QCPScatterStyle::ssTriangle;
    case Marker::triangle_down: return QCPScatterStyle::ssTriangleInverted;
    case Marker::cross: return QCPScatterStyle::ssCross;
    case Marker::star: return QCPScatterStyle::ssStar;
    case Marker::plus: return QCPScatterStyle::ssPlus;
  }
  return QCPScatterStyle::ssDisc;
}

QColor shade(const ChartSeries& series, int alpha) {
  QColor color = series.color;
  color.setAlpha(series.faded ? alpha / 2 : alpha);
  return color;
}

QPen series_pen(const ChartSeries& series, double width) { return QPen(shade(series, 255), width, series.pen); }

QCPGraph* add_graph(QCustomPlot& plot, const ChartSeries& series) {
  QCPGraph* graph = plot.addGraph();
  graph->setName(series.name);
  return graph;
}

QCPAbstractPlottable* add_line(QCustomPlot& plot, const ChartSeries& series) {
  QCPGraph* graph = add_graph(plot, series);
  graph->setData(series.x, series.y, true);
  graph->setPen(series_pen(series, 1.6));
  return graph;
}

QCPAbstractPlottable* add_histogram(QCustomPlot& plot, const ChartSeries& series) {
  QCPGraph* graph = add_graph(plot, series);
  graph->setData(series.x, series.y, true);
  graph->setLineStyle(QCPGraph::lsStepLeft);
  graph->setPen(series_pen(series, 1.2));
  if (series.pen == Qt::SolidLine) graph->setBrush(shade(series, 70));
  return graph;
}

QCPAbstractPlottable* add_points(QCustomPlot& plot, const ChartSeries& series) {
  QCPGraph* graph = add_graph(plot, series);
  graph->setData(series.x, series.y);
  graph->setLineStyle(QCPGraph::lsNone);
  graph->setPen(series_pen(series, 1.5));
  graph->setScatterStyle(QCPScatterStyle(scatter_shape(series.marker), shade(series, 255), shade(series, 255),
                                         series.error.empty() ? 8 : 10));
  if (series.error.empty()) return graph;
  auto* bars = new QCPErrorBars(plot.xAxis, plot.yAxis);
  bars->setErrorType(QCPErrorBars::etKeyError);
  bars->setDataPlottable(graph);
  bars->setData(series.error);
  bars->setPen(series_pen(series, 1.8));
  bars->setVisible(true);
  bars->removeFromLegend();
  return graph;
}

QCPAbstractPlottable* add_lines(QCustomPlot& plot, const ChartSeries& series, double bottom, double top) {
  QVector<double> x, y;
  for (const double at : series.x) {
    x << at << at << at;
    y << bottom << top << std::numeric_limits<double>::quiet_NaN();
  }
  QCPGraph* graph = add_graph(plot, series);
  graph->setData(x, y, true);
  graph->setPen(QPen(shade(series, 150), 1.0, series.pen));
  return graph;
}

/// Bars of one stack stand on the bar before them.
class BarStacks {
 public:
  QCPAbstractPlottable* add(QCustomPlot& plot, const ChartSeries& series) {
    auto* bars = new QCPBars(plot.yAxis, plot.xAxis);
    bars->setName(series.name);
    bars->setData(series.y, series.x);
    bars->setWidth(0.34);
    bars->setPen(QPen(shade(series, 255), 0.8));
    bars->setBrush(QBrush(shade(series, 230), series.faded ? Qt::Dense4Pattern : Qt::SolidPattern));
    QCPBars*& below = top_[series.stack];
    if (below != nullptr) bars->moveAbove(below);
    below = bars;
    return bars;
  }

 private:
  std::map<int, QCPBars*> top_;
};

void set_ticker(QCPAxis& axis, const ChartAxis& description) {
  if (!description.labels.empty()) {
    const auto ticker = QSharedPointer<QCPAxisTickerText>::create();
    for (const auto& [value, text] : description.labels) ticker->addTick(value, text);
    axis.setTicker(ticker);
    axis.setSubTicks(false);
  } else if (description.logarithmic) {
    axis.setTicker(QSharedPointer<QCPAxisTickerLog>::create());
    axis.setSubTicks(true);
  } else {
    axis.setTicker(QSharedPointer<QCPAxisTicker>::create());
    axis.setSubTicks(true);
  }
  axis.setScaleType(description.logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
  axis.setNumberFormat(QStringLiteral("gb"));
  axis.setNumberPrecision(4);
  axis.setLabel(description.title);
}

void add_notes(QCustomPlot& plot, const ChartData& chart) {
  for (const ChartNote& note : chart.notes) {
    auto* text = new QCPItemText(&plot);
    text->position->setCoords(note.x, note.y);
    text->setPositionAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    text->setPadding(QMargins(6, 0, 0, 0));
    text->setText(note.text);
  }
}

void set_range(QCPAxis& axis, const ChartAxis& description) {
  if (description.range) {
    axis.setRange(description.range->first, description.range->second);
    return;
  }
  axis.rescale(true);
  if (!description.logarithmic) axis.scaleRange(1.06);
}

}  // namespace

void build_plot(QCustomPlot& plot, const ChartData& chart, const QSet<QString>& hidden) {
  plot.clearPlottables();
  plot.clearItems();
  set_ticker(*plot.xAxis, chart.x);
  set_ticker(*plot.yAxis, chart.y);
  const auto [bottom, top] = chart.y.range.value_or(std::pair(0.0, 1.0));
  BarStacks stacks;
  for (const ChartSeries& series : chart.series) {
    QCPAbstractPlottable* plottable = nullptr;
    switch (series.shape) {
      case SeriesShape::line: plottable = add_line(plot, series); break;
      case SeriesShape::histogram: plottable = add_histogram(plot, series); break;
      case SeriesShape::points: plottable = add_points(plot, series); break;
      case SeriesShape::vertical_lines: plottable = add_lines(plot, series, bottom, top); break;
      case SeriesShape::horizontal_bars: plottable = stacks.add(plot, series); break;
    }
    if (!series.in_legend) plottable->removeFromLegend();
    plottable->setVisible(!hidden.contains(series.name));
  }
  add_notes(plot, chart);
  plot.legend->setVisible(plot.legend->itemCount() > 1);
}

void apply_palette(QCustomPlot& plot, const QPalette& palette) {
  const QColor text = palette.color(QPalette::Text), base = palette.color(QPalette::Base);
  QColor grid = text;
  grid.setAlpha(35);
  plot.setBackground(base);
  for (QCPAxis* axis : {plot.xAxis, plot.yAxis}) {
    axis->setBasePen(QPen(text));
    axis->setTickPen(QPen(text));
    axis->setSubTickPen(QPen(text));
    axis->setTickLabelColor(text);
    axis->setLabelColor(text);
    axis->grid()->setPen(QPen(grid, 1, Qt::DotLine));
    axis->grid()->setZeroLinePen(QPen(grid, 1));
  }
  QColor see_through = base;
  see_through.setAlpha(225);
  plot.legend->setBrush(see_through);
  plot.legend->setBorderPen(QPen(grid));
  plot.legend->setTextColor(text);
  for (int i = 0; i < plot.itemCount(); ++i)
    if (auto* note = qobject_cast<QCPItemText*>(plot.item(i))) note->setColor(text);
}

void apply_default_ranges(QCustomPlot& plot, const ChartData& chart) {
  set_range(*plot.xAxis, chart.x);
  set_range(*plot.yAxis, chart.y);
}

}  // namespace quantscope::ui
