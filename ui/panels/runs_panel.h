// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "ui/models/run_entry.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QMenu;
class QTableView;

namespace quantscope::ui {

class RunsModel;
class RunsOrder;

/// The table of runs with its filter, scorer and context menu.
class RunsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit RunsPanel(RunsModel& runs, QWidget* parent = nullptr);

  QTableView* table() const { return table_; }
  int row_height() const;
  /// The row under the cursor key, or 0.
  RunId current_run() const;
  /// Says which workspace keeps the runs; empty: none, and nothing is said.
  void set_workspace(const QString& summary);

 public Q_SLOTS:
  void copy_selection();
  /// Scrolls to the row of a run.
  void show_run(quantscope::ui::RunId id);

 Q_SIGNALS:
  void run_again(const quantscope::RunRequest& request);
  void resume(quantscope::ui::RunId id);
  void settings_wanted(const quantscope::Settings& settings);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void show_emptiness();
  void show_menu(const QPoint& position);
  void add_run_actions(QMenu& menu, const RunEntry& entry);
  void export_csv();

  RunsModel& runs_;
  RunsOrder* order_;
  QTableView* table_;
  QLineEdit* filter_;
  QComboBox* scorer_;
  QLabel* empty_;
  QLabel* workspace_;
};

}  // namespace quantscope::ui
