// SPDX-License-Identifier: GPL-3.0-or-later
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMessageBox>
#include <QSettings>
#include <algorithm>

#include "ui/panels/runs_panel.h"
#include "ui/window/actions.h"
#include "ui/window/error_box.h"
#include "ui/window/main_window.h"
#include "ui/window/recent_files.h"
#include "ui/window/workspace_control.h"

// The dialogs and menus around the workspace, and what of the window follows it.
namespace quantscope::ui {
namespace {

const QString folder_key = QStringLiteral("folders/workspace");

QString file_filter() { return MainWindow::tr("Workspaces (*.quantscope);;All files (*)"); }

}  // namespace

void MainWindow::connect_workspace() {
  connect(workspace_, &WorkspaceControl::changed, this, &MainWindow::show_workspace);
  connect(workspace_, &WorkspaceControl::failed, this, [this](const Error& error) { show_error(this, error); });
  connect(runs_panel_, &RunsPanel::resume, &queue_, &RunQueue::resume);
  workspace_->set_question([this](const QString& sentence) {
    return QMessageBox::question(this, tr("Results that nothing keeps"), sentence, QMessageBox::Yes | QMessageBox::No,
                                 QMessageBox::No) == QMessageBox::Yes;
  });
}

void MainWindow::add_recent_workspaces(QMenu& menu) {
  QMenu* recent = menu.addMenu(tr("Open &recent workspace"));
  recent->setObjectName(QStringLiteral("recent_workspaces"));
  connect(recent, &QMenu::aboutToShow, this, [this, recent] {
    recent->clear();
    for (const QString& path : recent_workspaces())
      recent->addAction(path, this, [this, path] { workspace_->open(path); })->setEnabled(QFileInfo::exists(path));
    if (recent->isEmpty()) recent->addAction(tr("None was opened yet"))->setEnabled(false);
  });
}

void MainWindow::ask_for_new_workspace() {
  QSettings settings;
  // What is there already is refused, so there is nothing to confirm.
  QString path = QFileDialog::getSaveFileName(this, tr("New workspace"), settings.value(folder_key).toString(),
                                              file_filter(), nullptr, QFileDialog::DontConfirmOverwrite);
  if (path.isEmpty()) return;
  if (QFileInfo(path).suffix().isEmpty()) path += QStringLiteral(".quantscope");
  settings.setValue(folder_key, QFileInfo(path).absolutePath());
  workspace_->create(path);
}

void MainWindow::ask_for_workspace() {
  QSettings settings;
  const QString path =
      QFileDialog::getOpenFileName(this, tr("Open workspace"), settings.value(folder_key).toString(), file_filter());
  if (path.isEmpty()) return;
  settings.setValue(folder_key, QFileInfo(path).absolutePath());
  workspace_->open(path);
}

void MainWindow::show_workspace() {
  update_title();
  update_actions();
  if (!workspace_->is_open()) return;
  remember_workspace(workspace_->path());
  // Its checkpoint, if the window has none and it is still where it was.
  if (session_.checkpoint() != nullptr) return;
  const auto found = std::ranges::find_if(runs_.entries(), [this](const RunEntry& entry) {
    const std::string& model = entry.request.model;
    return model == "default" ? default_model_path(resources_).has_value()
                              : QFileInfo::exists(QString::fromStdString(model));
  });
  if (found != runs_.entries().end()) open_checkpoint(QString::fromStdString(found->request.model));
}

void MainWindow::update_title() {
  QStringList parts;
  if (workspace_->is_open()) parts << workspace_->name();
  if (session_.checkpoint() != nullptr) parts << QString::fromStdString(session_.checkpoint()->model().name);
  parts << tr("Quantscope");
  setWindowTitle(parts.join(QStringLiteral(" – ")));
}

}  // namespace quantscope::ui
