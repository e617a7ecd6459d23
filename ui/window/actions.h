// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QHash>
#include <QList>
#include <QObject>

namespace quantscope::ui {

/// Every command of the window, once: its id, text, tip, icon and shortcut. Menus, the toolbar and the list of
/// shortcuts are made from it.
class Actions : public QObject {
  Q_OBJECT

 public:
  explicit Actions(QObject* parent);

  /// Precondition: the id is one of the table in actions.cpp.
  QAction* action(const QString& id) const { return by_id_.value(id); }
  const QList<QAction*>& all() const { return ordered_; }
  /// Draws the icons in the present text colour.
  void recolor(const QColor& color);
  /// Rich text table of commands and their keys.
  QString shortcut_table(qsizetype pages) const;

 private:
  QHash<QString, QAction*> by_id_;
  QList<QAction*> ordered_;
};

}  // namespace quantscope::ui
