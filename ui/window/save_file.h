// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QImage>
#include <QString>

class QWidget;

namespace quantscope::ui {

/// Files are written whole or not at all.
bool write_image(const QImage& image, const QString& path);
/// Ask where to, write, and say so when that fails. `suggestion` is a file name.
void save_image_as(QWidget* parent, const QImage& image, const QString& suggestion);
void save_text_as(QWidget* parent, const QString& text, const QString& suggestion);

}  // namespace quantscope::ui
