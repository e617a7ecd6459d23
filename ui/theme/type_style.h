// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QIcon>

#include "core/experiment/settings.h"

namespace quantscope::ui {

/// A shape that tells data types apart without colour.
enum class Marker { circle, square, diamond, triangle, triangle_down, cross, star, plus };

/// Colours of Okabe and Ito (2008), one per data type in every chart and table.
QColor type_color(DataType type);
Marker type_marker(DataType type);
/// What is of no one data type: a checkpoint as stored, answers of another program.
QColor mixed_color();
/// A marker as a small icon.
QIcon marker_icon(Marker marker, const QColor& color);
QIcon type_icon(DataType type);

/// Colours for the parts of a stacked bar, from the same palette.
QColor part_color(std::size_t index);

}  // namespace quantscope::ui
