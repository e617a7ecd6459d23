// SPDX-License-Identifier: GPL-3.0-or-later
#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QMenuBar>
#include <QMessageBox>
#include <QSettings>
#include <QToolBar>
#include <algorithm>

#include "ui/models/format.h"
#include "ui/panels/runs_panel.h"
#include "ui/window/actions.h"
#include "ui/window/main_window.h"
#include "ui/window/run_control.h"
#include "ui/window/workspace_control.h"

// The menus, the toolbar and what the actions do.
namespace quantscope::ui {
void MainWindow::build_menus() {
  const auto add = [this](QMenu* menu, std::initializer_list<const char*> ids) {
    for (const char* id : ids) menu->addAction(actions_->action(QLatin1String(id)));
  };
  QMenu* file = menuBar()->addMenu(tr("&File"));
  add(file, {"open", "open_folder", "open_default"});
  file->addSeparator();
  add(file, {"new_workspace", "open_workspace"});
  add_recent_workspaces(*file);
  add(file, {"close_workspace"});
  file->addSeparator();
  add(file, {"export"});
  file->addSeparator();
  add(file, {"quit"});
  add(menuBar()->addMenu(tr("&Edit")), {"undo", "redo"});
  add(menuBar()->addMenu(tr("&Run")), {"run", "compare", "stop", "resume"});
  QMenu* view = menuBar()->addMenu(tr("&View"));
  QMenu* theme = view->addMenu(tr("&Theme"));
  add(theme, {"theme_system", "theme_light", "theme_dark"});
  auto* group = new QActionGroup(this);
  for (QAction* action : theme->actions()) {
    action->setCheckable(true);
    group->addAction(action);
  }
  const QString saved = theme_name(theme_from_name(QSettings().value(QStringLiteral("theme")).toString()));
  actions_->action(QStringLiteral("theme_") + saved)->setChecked(true);
  QMenu* panels = view->addMenu(tr("&Panels"));
  for (const QDockWidget* dock : docks_) panels->addAction(dock->toggleViewAction());
  add(view, {"reset_layout"});
  add(menuBar()->addMenu(tr("&Help")), {"shortcuts", "about"});
  for (QMenu* menu : menuBar()->findChildren<QMenu*>()) menu->setToolTipsVisible(true);  // why entries are disabled
}

void MainWindow::build_toolbar() {
  QToolBar* bar = addToolBar(tr("Commands"));
  bar->setObjectName(QStringLiteral("commands"));
  bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  bar->setMovable(false);
  for (const char* id : {"open", "open_default", "compare", "run", "stop", "resume", "export"})
    bar->addAction(actions_->action(QLatin1String(id)));
}

void MainWindow::connect_actions() {
  const auto on = [this](const char* id, auto&& slot) {
    connect(actions_->action(QLatin1String(id)), &QAction::triggered, this, slot);
  };
  on("open", [this] { ask_for_file(); });
  on("open_folder", [this] { ask_for_folder(); });
  on("open_default", [this] { open_checkpoint(QStringLiteral("default")); });
  on("new_workspace", [this] { ask_for_new_workspace(); });
  on("open_workspace", [this] { ask_for_workspace(); });
  on("close_workspace", [this] { workspace_->close(); });
  on("resume", [this] { workspace_->resume(); });
  on("compare", [this] {
    show_results();
    control_->compare_all();
  });
  on("run", [this] { control_->run_current(); });
  on("stop", [this] { control_->stop(); });
  on("export", [this] { export_report_to_folder(); });
  on("undo", [this] { session_.undo_stack().undo(); });
  on("redo", [this] { session_.undo_stack().redo(); });
  on("theme_system", [this] { choose_theme(Theme::system); });
  on("theme_light", [this] { choose_theme(Theme::light); });
  on("theme_dark", [this] { choose_theme(Theme::dark); });
  on("reset_layout", [this] { reset_layout(); });
  on("quit", [this] { close(); });
  on("shortcuts", [this] {
    auto* box = new QMessageBox(QMessageBox::NoIcon, tr("Keyboard shortcuts"), actions_->shortcut_table(pages_.size()),
                                QMessageBox::Close, this);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
  });
  on("about", [this] {
    QString devices;
    for (const DeviceDescription& device : session_.devices())
      devices += QStringLiteral("<li>%1</li>")
                     .arg(QString::fromStdString(device.unavailable.empty() ? device.name + ", " + device.dispatch_level
                                                                            : device.id + ": " + device.unavailable)
                              .toHtmlEscaped());
    QMessageBox::about(this, tr("About Quantscope"),
                       tr("<h3>Quantscope %1</h3><p>What does each quantization of a checkpoint cost and gain?</p>"
                          "<p>Qt %2. Devices:</p><ul>%3</ul>"
                          "<p>Free software under the GNU General Public License, version 3 or later.</p>")
                           .arg(QStringLiteral(QUANTSCOPE_VERSION), QString::fromLatin1(qVersion()), devices));
  });
}

void MainWindow::update_actions() {
  const auto set = [this](const char* id, const QString& why_not) {
    QAction* action = actions_->action(QLatin1String(id));
    action->setEnabled(why_not.isEmpty());
    action->setToolTip(why_not.isEmpty() ? action->statusTip() : wrapped_tip(why_not));
  };
  const QString not_runnable = session_.why_not_runnable();
  const QString conflict = session_.conflict() ? QString::fromStdString(session_.conflict()->why) : QString();
  set("compare", queue_.is_busy() ? tr("Something is running; stop it first.") : not_runnable);
  set("run", not_runnable.isEmpty() ? conflict : not_runnable);
  set("new_workspace", workspace_->why_not_switch());
  set("open_workspace", workspace_->why_not_switch());
  set("close_workspace", workspace_->why_not_close());
  set("resume", workspace_->why_not_resume());
  runs_panel_->set_workspace(workspace_->summary());
  set("stop", queue_.is_busy() ? QString() : tr("Nothing is running."));
  const bool any = std::any_of(runs_.entries().begin(), runs_.entries().end(),
                               [](const RunEntry& entry) { return entry.has_result(); });
  set("export", any ? QString() : tr("Run something first: a report is made of results."));
  set("undo", session_.undo_stack().canUndo() ? QString() : tr("There is no change of settings to take back."));
  set("redo", session_.undo_stack().canRedo() ? QString() : tr("There is no change of settings to make again."));
}

void MainWindow::choose_theme(Theme theme) {
  QSettings().setValue(QStringLiteral("theme"), theme_name(theme));
  apply_theme(theme);
}

}  // namespace quantscope::ui
