// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/recent_files.h"

#include <QSettings>

namespace quantscope::ui {
namespace {

constexpr qsizetype most_remembered = 8;
const QString key = QStringLiteral("recent_checkpoints");

}  // namespace

QStringList recent_checkpoints() { return QSettings().value(key).toStringList(); }

void remember_checkpoint(const QString& path) {
  QStringList paths = recent_checkpoints();
  paths.removeAll(path);
  paths.prepend(path);
  QSettings().setValue(key, QStringList(paths.mid(0, most_remembered)));
}

}  // namespace quantscope::ui
