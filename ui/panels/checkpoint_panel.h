// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "core/checkpoint/checkpoint.h"

class QLabel;
class QListWidget;

namespace quantscope::ui {

class Session;

/// What the open checkpoint is, and the ones opened before.
class CheckpointPanel : public QWidget {
  Q_OBJECT

 public:
  explicit CheckpointPanel(Session& session, QWidget* parent = nullptr);

  void set_recent(const QStringList& paths);

 Q_SIGNALS:
  void open_requested(const QString& path);

 private:
  void show_checkpoint();

  Session& session_;
  QLabel* description_;
  QLabel* baseline_note_;
  QListWidget* recent_;
};

/// The facts of a checkpoint as rows of a table, rich text.
QString describe_checkpoint(const Checkpoint& checkpoint);

}  // namespace quantscope::ui
