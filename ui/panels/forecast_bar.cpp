// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/forecast_bar.h"

#include <QPainter>
#include <algorithm>

#include "ui/models/format.h"
#include "ui/theme/type_style.h"

namespace quantscope::ui {
namespace {

constexpr QRgb too_large_color = 0xffc62828;

}  // namespace

ForecastBar::ForecastBar(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  clear();
}

void ForecastBar::set_forecast(const MemoryRows& rows, std::int64_t free_bytes) {
  rows_ = rows;
  total_ = rows.total();
  free_ = free_bytes;
  QString parts;
  for (std::size_t i = 0; i < memory_tag_count; ++i)
    if (rows.bytes[i] > 0)
      parts += QStringLiteral("\n%1: %2 MiB").arg(memory_label(static_cast<MemoryTag>(i)), format_mib(rows.bytes[i]));
  setToolTip(text() + parts);
  setAccessibleName(tr("Memory forecast"));
  setAccessibleDescription(text());
  update();
}

void ForecastBar::clear() {
  rows_ = {};
  total_ = free_ = 0;
  setAccessibleName(tr("Memory forecast"));
  setAccessibleDescription(text());
  update();
}

QString ForecastBar::text() const {
  if (total_ == 0) return tr("no forecast");
  const QString base = tr("%1 of %2 MiB free").arg(format_mib(total_), format_mib(free_));
  return is_too_large() ? tr("%1 – too large").arg(base) : base;
}

QSize ForecastBar::sizeHint() const { return {240, fontMetrics().height() + 12}; }

void ForecastBar::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const QRectF frame = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
  painter.fillRect(frame, palette().base());
  // What does not fit is drawn against itself, so that the bar is full and its parts keep their proportions.
  const double whole = static_cast<double>(std::max<std::int64_t>({total_, free_, 1}));
  double left = frame.left();
  for (std::size_t i = 0; i < memory_tag_count; ++i) {
    const double width = frame.width() * static_cast<double>(rows_.bytes[i]) / whole;
    QColor color = is_too_large() ? QColor(too_large_color) : part_color(i);
    color.setAlpha(120);
    painter.fillRect(QRectF(left, frame.top(), width, frame.height()), color);
    left += width;
  }
  painter.setPen(is_too_large() ? QColor(too_large_color) : palette().color(QPalette::Mid));
  painter.drawRect(frame);
  painter.setPen(palette().color(QPalette::Text));
  painter.drawText(rect(), Qt::AlignCenter, text());
}

}  // namespace quantscope::ui
