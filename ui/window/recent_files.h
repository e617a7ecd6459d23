// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>

namespace quantscope::ui {

/// Files opened before, the latest first; kept in the user's settings.
QStringList recent_checkpoints();
void remember_checkpoint(const QString& path);
QStringList recent_workspaces();
void remember_workspace(const QString& path);

}  // namespace quantscope::ui
