// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/save_file.h"

#include <QDir>
#include <QFileDialog>
#include <QSaveFile>
#include <QSettings>
#include <QWidget>
#include <functional>

#include "core/report/atomic_file.h"
#include "ui/window/error_box.h"

namespace quantscope::ui {
namespace {

void save_as(QWidget* parent, const QString& suggestion, const QString& filter,
             const std::function<Result<void>(const QString&)>& write) {
  QSettings settings;
  const QDir folder(settings.value(QStringLiteral("folders/save"), QDir::homePath()).toString());
  const QString path = QFileDialog::getSaveFileName(parent, QWidget::tr("Save"), folder.filePath(suggestion), filter);
  if (path.isEmpty()) return;
  settings.setValue(QStringLiteral("folders/save"), QFileInfo(path).absolutePath());
  if (const auto written = write(path); !written) show_error(parent, written.error());
}

}  // namespace

bool write_image(const QImage& image, const QString& path) {
  QSaveFile file(path);
  return file.open(QIODevice::WriteOnly) && image.save(&file, "PNG") && file.commit();
}

void save_image_as(QWidget* parent, const QImage& image, const QString& suggestion) {
  save_as(parent, suggestion, QWidget::tr("Pictures (*.png)"), [&](const QString& path) -> Result<void> {
    if (write_image(image, path)) return {};
    return fail(ErrorCode::io, "The picture cannot be written to " + path.toStdString() + "; choose another folder.");
  });
}

void save_text_as(QWidget* parent, const QString& text, const QString& suggestion) {
  save_as(parent, suggestion, QWidget::tr("Tables (*.csv)"),
          [&](const QString& path) { return write_file_atomically(path.toStdString(), text.toStdString()); });
}

}  // namespace quantscope::ui
