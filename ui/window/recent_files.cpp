// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/recent_files.h"

#include <QSettings>

namespace quantscope::ui {
namespace {

constexpr qsizetype most_remembered = 8;
const QString checkpoints = QStringLiteral("recent_checkpoints"), workspaces = QStringLiteral("recent_workspaces");

void remember(const QString& key, const QString& path) {
  QStringList paths = QSettings().value(key).toStringList();
  paths.removeAll(path);
  paths.prepend(path);
  QSettings().setValue(key, QStringList(paths.mid(0, most_remembered)));
}

}  // namespace

QStringList recent_checkpoints() { return QSettings().value(checkpoints).toStringList(); }
void remember_checkpoint(const QString& path) { remember(checkpoints, path); }

QStringList recent_workspaces() { return QSettings().value(workspaces).toStringList(); }
void remember_workspace(const QString& path) { remember(workspaces, path); }

}  // namespace quantscope::ui
