// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/theme/type_style.h"

#include <QPainter>
#include <QPixmap>
#include <QPolygonF>
#include <array>

namespace quantscope::ui {
namespace {

constexpr QRgb blue = 0xff0072b2, sky = 0xff56b4e9, green = 0xff009e73, vermillion = 0xffd55e00, orange = 0xffe69f00,
               purple = 0xffcc79a7, grey = 0xff8c8c8c, yellow = 0xfff0e442, brown = 0xff8c6d46;

void draw_marker(QPainter& painter, Marker marker, const QRectF& box) {
  const QPointF top(box.center().x(), box.top()), bottom(box.center().x(), box.bottom());
  const QPointF left(box.left(), box.center().y()), right(box.right(), box.center().y());
  switch (marker) {
    case Marker::circle: painter.drawEllipse(box); break;
    case Marker::square: painter.drawRect(box); break;
    case Marker::diamond: painter.drawPolygon(QPolygonF({top, right, bottom, left})); break;
    case Marker::triangle: painter.drawPolygon(QPolygonF({top, box.bottomRight(), box.bottomLeft()})); break;
    case Marker::triangle_down: painter.drawPolygon(QPolygonF({bottom, box.topRight(), box.topLeft()})); break;
    case Marker::plus: painter.drawLines({QLineF(top, bottom), QLineF(left, right)}); break;
    case Marker::star: painter.drawLines({QLineF(top, bottom), QLineF(left, right)}); [[fallthrough]];
    case Marker::cross:
      painter.drawLines({QLineF(box.topLeft(), box.bottomRight()), QLineF(box.topRight(), box.bottomLeft())});
      break;
  }
}

}  // namespace

QColor type_color(DataType type) {
  switch (type) {
    case DataType::fp32: return QColor(grey);
    case DataType::fp16: return QColor(blue);
    case DataType::bf16: return QColor(sky);
    case DataType::int8: return QColor(green);
    case DataType::int4: return QColor(vermillion);
    case DataType::nf4: return QColor(orange);
    case DataType::fp4: return QColor(purple);
  }
  return QColor(grey);
}

Marker type_marker(DataType type) {
  switch (type) {
    case DataType::fp32: return Marker::cross;
    case DataType::fp16: return Marker::circle;
    case DataType::bf16: return Marker::star;
    case DataType::int8: return Marker::square;
    case DataType::int4: return Marker::triangle;
    case DataType::nf4: return Marker::diamond;
    case DataType::fp4: return Marker::triangle_down;
  }
  return Marker::circle;
}

QColor mixed_color() { return QColor(brown); }

QIcon marker_icon(Marker marker, const QColor& color) {
  constexpr int side = 48;  // drawn large, so that it stays sharp on any screen
  QPixmap pixmap(side, side);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(color, 6));
  painter.setBrush(color);
  draw_marker(painter, marker, QRectF(9, 9, 30, 30));
  return QIcon(pixmap);
}

QIcon type_icon(DataType type) { return marker_icon(type_marker(type), type_color(type)); }

QColor part_color(std::size_t index) {
  constexpr std::array<QRgb, 9> colors = {orange, vermillion, blue, sky, yellow, green, brown, purple, grey};
  return QColor(colors[index % colors.size()]);
}

}  // namespace quantscope::ui
