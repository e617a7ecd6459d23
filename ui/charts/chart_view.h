// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <memory>

#include "ui/charts/chart_data.h"

namespace quantscope::ui {

/// Draws a ChartData: wheel zooms (over an axis only that axis), dragging moves, double click resets, a click on the
/// legend hides, the nearest point is read out under the cursor. Hides the plotting library.
class ChartView : public QWidget {
  Q_OBJECT

 public:
  explicit ChartView(QWidget* parent = nullptr);
  ~ChartView() override;

  /// `keep_view`: a zoom made by the user stays. Series hidden by name stay hidden.
  void set_chart(ChartData chart, bool keep_view = false);
  const ChartData& chart() const;

  /// The chart as an image; light colours when `for_paper`.
  QImage image(const QSize& size, double scale, bool for_paper) const;
  bool is_series_visible(const QString& name) const;
  void set_series_visible(const QString& name, bool visible);
  std::pair<double, double> x_range() const;
  void set_x_range(double low, double high);

 public Q_SLOTS:
  void reset_view();
  void copy_image();
  void save_image();
  void save_data();

 Q_SIGNALS:
  /// By the user or by reset_view(); not by set_chart().
  void x_range_changed(double low, double high);

 protected:
  void changeEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;

 private:
  struct Plot;
  std::unique_ptr<Plot> plot_;
};

/// Draws without a window; for reports. Light colours. False when the file cannot be written.
bool write_chart_png(const ChartData& chart, const QString& path);

}  // namespace quantscope::ui
