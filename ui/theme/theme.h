// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPalette>
#include <QString>

namespace quantscope::ui {

enum class Theme { system, light, dark };

QString theme_name(Theme theme);
/// Unknown names are `system`.
Theme theme_from_name(const QString& name);

/// Sets the application's style and palette. `system` is the palette the program was started with.
void apply_theme(Theme theme);
/// Judged by the window colour: Qt 6.4 cannot be asked.
bool is_dark(const QPalette& palette);
/// The light palette, for exported pictures.
QPalette paper_palette();

}  // namespace quantscope::ui
