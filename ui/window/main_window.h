// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMainWindow>

#include "core/experiment/runner.h"
#include "ui/models/runs_model.h"
#include "ui/models/session.h"
#include "ui/theme/theme.h"
#include "ui/worker/previews.h"
#include "ui/worker/run_queue.h"

class QDockWidget;
class QMenu;
class QTabWidget;

namespace quantscope::ui {

class Actions;
class CheckpointPanel;
class ConfigurationPanel;
class JobBar;
class Page;
class RunControl;
class RunsPanel;
class WeightsPage;
class WorkspaceControl;

/// The window: lays out pages, panels and the toolbar and connects them to session, runs and workers.
class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(const ResourcePaths& resources, QWidget* parent = nullptr);
  ~MainWindow() override;

  /// A path or "default".
  void open_checkpoint(const QString& model);
  /// A file of an earlier report: its runs appear in the table, its first settings on the left.
  void open_runs(const QString& path);
  /// Whatever a path leads to: a workspace, the run.json of a report, else a checkpoint.
  void open_path(const QString& path);

  /// A report of the shown runs, as "Export report" writes it.
  Result<void> write_report_into(const QString& folder);

  Session& session() { return session_; }
  RunsModel& runs() { return runs_; }
  RunQueue& queue() { return queue_; }
  RunControl& control() { return *control_; }
  WorkspaceControl& workspace() { return *workspace_; }
  Actions& actions() { return *actions_; }
  WeightsPage& weights_page() { return *weights_; }
  ConfigurationPanel& configuration_panel() { return *configuration_; }
  const QList<Page*>& pages() const { return pages_; }
  void show_page(int index);
  /// The page of what a comparison measures: Accuracy, or Divergence where no questions are asked.
  void show_results();

 Q_SIGNALS:
  void checkpoint_opened();
  void open_failed(const quantscope::Error& error);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void changeEvent(QEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void build_pages();
  void build_panels();
  QDockWidget* add_panel(const QString& id, const QString& title, QWidget* widget, Qt::DockWidgetArea area,
                         bool scrolls);
  void build_menus();
  void build_toolbar();
  void connect_actions();
  void connect_workers();
  void update_actions();
  void ask_for_file();
  void ask_for_folder();
  void add_recent_workspaces(QMenu& menu);
  void connect_workspace();
  void ask_for_new_workspace();
  void ask_for_workspace();
  void show_workspace();
  void update_title();
  void report_open_error(const Error& error);
  void export_report_to_folder();
  void choose_theme(Theme theme);
  void reset_layout();

  ResourcePaths resources_;
  Session session_;
  RunsModel runs_;
  Previews previews_;
  RunQueue queue_;
  RunControl* control_;
  WorkspaceControl* workspace_;
  Actions* actions_;
  QTabWidget* tabs_ = nullptr;
  QList<Page*> pages_;
  WeightsPage* weights_ = nullptr;
  Page *accuracy_ = nullptr, *divergence_ = nullptr;
  CheckpointPanel* checkpoint_ = nullptr;
  ConfigurationPanel* configuration_ = nullptr;
  RunsPanel* runs_panel_ = nullptr;
  JobBar* job_bar_ = nullptr;
  QList<QDockWidget*> docks_;
  QString opening_;  // what was asked for last: "default" stays "default" in requests
  QByteArray first_layout_;
};

}  // namespace quantscope::ui
