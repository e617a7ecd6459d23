// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "ui/charts/chart_data.h"

class QHBoxLayout;
class QLabel;
class QStackedLayout;
class QVBoxLayout;

namespace quantscope::ui {

class ChartView;

/// One question: a sentence that answers it, a chart, and what to do next while there is nothing to show.
class Page : public QWidget {
  Q_OBJECT

 public:
  explicit Page(const QString& next_step, QWidget* parent = nullptr);

  ChartView* chart() const { return chart_; }
  QString sentence() const;
  bool shows_chart() const;

 protected:
  /// An empty chart shows the next step instead.
  void show_chart(ChartData chart, bool keep_view = false);
  void show_nothing(const QString& next_step = {});
  QVBoxLayout* body() const { return body_; }    ///< under the sentence, around the chart
  QHBoxLayout* tools() const { return tools_; }  ///< left of the export buttons

 private:
  QString next_step_;
  QLabel* sentence_;
  QLabel* empty_;
  ChartView* chart_;
  QVBoxLayout* body_;
  QHBoxLayout* tools_;
  QWidget* content_;
  QStackedLayout* stack_;
};

}  // namespace quantscope::ui
