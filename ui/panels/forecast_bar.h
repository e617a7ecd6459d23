// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "core/experiment/resolve.h"

namespace quantscope::ui {

/// "x of y MiB": what a run would take of the memory that is free. Too much is red and said in words.
class ForecastBar : public QWidget {
  Q_OBJECT

 public:
  explicit ForecastBar(QWidget* parent = nullptr);

  void set_forecast(const MemoryRows& rows, std::int64_t free_bytes);
  void clear();
  bool is_too_large() const { return total_ > free_; }
  QString text() const;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return {120, sizeHint().height()}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  MemoryRows rows_;
  std::int64_t total_ = 0, free_ = 0;
};

}  // namespace quantscope::ui
