// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/chart_view.h"

#include <qcustomplot.h>

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QLabel>
#include <QMenu>
#include <QVBoxLayout>

#include "ui/charts/plot_builder.h"
#include "ui/charts/readout.h"
#include "ui/theme/theme.h"
#include "ui/window/save_file.h"

namespace quantscope::ui {

struct ChartView::Plot {
  QCustomPlot* widget = nullptr;
  QLabel* readout = nullptr;
  QCPItemStraightLine* crosshair = nullptr;
  ChartData chart;
  QSet<QString> hidden;
  bool building = false;
  bool zoomed = false;  // by the user, and not reset since

  void rebuild(bool keep_view) {
    building = true;
    const QCPRange x = widget->xAxis->range(), y = widget->yAxis->range();
    build_plot(*widget, chart, hidden);
    add_crosshair();
    if (keep_view && zoomed) {
      widget->xAxis->setRange(x);
      if (!chart.y.fixed) widget->yAxis->setRange(y);
      if (chart.y.fixed && chart.y.range) widget->yAxis->setRange(chart.y.range->first, chart.y.range->second);
    } else {
      apply_default_ranges(*widget, chart);
      zoomed = false;
    }
    widget->axisRect()->setRangeDrag(chart.y.fixed ? Qt::Horizontal : Qt::Horizontal | Qt::Vertical);
    apply_palette(*widget, QGuiApplication::palette());
    widget->replot(QCustomPlot::rpQueuedReplot);
    building = false;
  }

  void add_crosshair() {
    crosshair = new QCPItemStraightLine(widget);
    crosshair->setLayer(QStringLiteral("crosshair"));
    crosshair->setPen(QPen(Qt::gray, 1, Qt::DashLine));
    crosshair->setVisible(false);
  }

  void show_readout(const QPointF& pixel) {
    const double x = widget->xAxis->pixelToCoord(pixel.x()), y = widget->yAxis->pixelToCoord(pixel.y());
    const auto distance = [&](double at_x, double at_y) {
      return std::hypot(widget->xAxis->coordToPixel(at_x) - pixel.x(), widget->yAxis->coordToPixel(at_y) - pixel.y());
    };
    readout->setText(readout_text(chart, hidden, x, y, distance));
    crosshair->point1->setCoords(x, widget->yAxis->range().lower);
    crosshair->point2->setCoords(x, widget->yAxis->range().upper);
    crosshair->setVisible(widget->axisRect()->rect().contains(pixel.toPoint()));
    widget->layer(QStringLiteral("crosshair"))->replot();
  }

  void zoom_one_axis(const QPointF& pixel) {
    const bool over_x = widget->xAxis->selectTest(pixel, false) >= 0,
               over_y = widget->yAxis->selectTest(pixel, false) >= 0;
    Qt::Orientations orientations = Qt::Horizontal | Qt::Vertical;
    if (over_x || chart.y.fixed) orientations = Qt::Horizontal;
    if (over_y && !chart.y.fixed) orientations = Qt::Vertical;
    widget->axisRect()->setRangeZoom(orientations);
  }
};

ChartView::ChartView(QWidget* parent) : QWidget(parent), plot_(std::make_unique<Plot>()) {
  auto* widget = new QCustomPlot(this);
  plot_->widget = widget;
  plot_->readout = new QLabel(this);
  plot_->readout->setObjectName(QStringLiteral("chart_readout"));
  plot_->readout->setAccessibleName(tr("Value under the cursor"));
  plot_->readout->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);  // a long value does not widen the window
  widget->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
  widget->setMinimumSize(240, 160);
  widget->setFocusPolicy(Qt::StrongFocus);
  widget->setContextMenuPolicy(Qt::NoContextMenu);
  widget->addLayer(QStringLiteral("crosshair"), widget->layer(QStringLiteral("overlay")), QCustomPlot::limAbove);
  widget->layer(QStringLiteral("crosshair"))->setMode(QCPLayer::lmBuffered);
  widget->axisRect()->insetLayout()->setInsetAlignment(0, Qt::AlignTop | Qt::AlignRight);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(2);
  layout->addWidget(widget, 1);
  layout->addWidget(plot_->readout);

  connect(widget, &QCustomPlot::mouseMove, this,
          [this](QMouseEvent* event) { plot_->show_readout(event->position()); });
  connect(widget, &QCustomPlot::mouseWheel, this, [this](QWheelEvent* event) {
    plot_->zoomed = true;
    plot_->zoom_one_axis(event->position());
  });
  connect(widget, &QCustomPlot::mousePress, this, [this] { plot_->zoomed = true; });
  connect(widget, &QCustomPlot::mouseDoubleClick, this, &ChartView::reset_view);
  connect(widget, &QCustomPlot::legendClick, this, [this](QCPLegend*, QCPAbstractLegendItem* item, QMouseEvent*) {
    auto* of_series = qobject_cast<QCPPlottableLegendItem*>(item);
    if (of_series == nullptr) return;
    const QString name = of_series->plottable()->name();
    set_series_visible(name, !is_series_visible(name));
  });
  connect(widget->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this, [this](const QCPRange& range) {
    if (!plot_->building) Q_EMIT x_range_changed(range.lower, range.upper);
  });
  apply_palette(*widget, QGuiApplication::palette());
}

ChartView::~ChartView() = default;

void ChartView::set_chart(ChartData chart, bool keep_view) {
  plot_->chart = std::move(chart);
  plot_->rebuild(keep_view);
  plot_->widget->setAccessibleName(plot_->chart.name);
  plot_->widget->setAccessibleDescription(plot_->chart.summary);
  setAccessibleName(tr("Chart %1").arg(plot_->chart.name));
  setAccessibleDescription(plot_->chart.summary);
}

const ChartData& ChartView::chart() const { return plot_->chart; }

QImage ChartView::image(const QSize& size, double scale, bool for_paper) const {
  plot_->crosshair->setVisible(false);
  if (for_paper) apply_palette(*plot_->widget, paper_palette());
  const QImage image = plot_->widget->toPixmap(size.width(), size.height(), scale).toImage();
  if (for_paper) apply_palette(*plot_->widget, QGuiApplication::palette());
  return image;
}

bool ChartView::is_series_visible(const QString& name) const { return !plot_->hidden.contains(name); }

void ChartView::set_series_visible(const QString& name, bool visible) {
  if (visible)
    plot_->hidden.remove(name);
  else
    plot_->hidden.insert(name);
  plot_->rebuild(true);
}

std::pair<double, double> ChartView::x_range() const {
  const QCPRange range = plot_->widget->xAxis->range();
  return {range.lower, range.upper};
}

void ChartView::set_x_range(double low, double high) {
  plot_->zoomed = true;
  plot_->widget->xAxis->setRange(low, high);
  plot_->widget->replot(QCustomPlot::rpQueuedReplot);
}

void ChartView::reset_view() {
  plot_->zoomed = false;
  plot_->building = true;  // one signal for both ends and all steps
  apply_default_ranges(*plot_->widget, plot_->chart);
  plot_->building = false;
  const auto [low, high] = x_range();
  Q_EMIT x_range_changed(low, high);
  plot_->widget->replot(QCustomPlot::rpQueuedReplot);
}

void ChartView::copy_image() { QGuiApplication::clipboard()->setImage(image(plot_->widget->size(), 2, true)); }

void ChartView::save_image() {
  save_image_as(this, image(plot_->widget->size(), 2, true), plot_->chart.name + QStringLiteral(".png"));
}

void ChartView::save_data() { save_text_as(this, chart_csv(plot_->chart), plot_->chart.name + QStringLiteral(".csv")); }

void ChartView::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) {
    apply_palette(*plot_->widget, QGuiApplication::palette());
    plot_->widget->replot(QCustomPlot::rpQueuedReplot);
  }
  QWidget::changeEvent(event);
}

void ChartView::showEvent(QShowEvent* event) {
  // The plotting library takes the ratio of the screen it was made on, which may not be the one it is shown on.
  plot_->widget->setBufferDevicePixelRatio(devicePixelRatioF());
  QWidget::showEvent(event);
}

void ChartView::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addAction(tr("Copy picture"), this, &ChartView::copy_image);
  menu.addAction(tr("Save picture…"), this, &ChartView::save_image);
  menu.addAction(tr("Save data as CSV…"), this, &ChartView::save_data);
  menu.addSeparator();
  menu.addAction(tr("Show everything (double click)"), this, &ChartView::reset_view);
  menu.exec(event->globalPos());
}

bool write_chart_png(const ChartData& chart, const QString& path) {
  ChartView view;
  view.set_chart(chart);
  view.reset_view();
  return write_image(view.image(QSize(1000, 560), 2, true), path);
}

}  // namespace quantscope::ui
