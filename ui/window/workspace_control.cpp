// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/workspace_control.h"

#include <QFileInfo>
#include <algorithm>
#include <iterator>

#include "ui/models/workspace_rows.h"

namespace quantscope::ui {

namespace {

QString runs_text(std::int64_t count) {
  return count == 1 ? WorkspaceControl::tr("one run") : WorkspaceControl::tr("%1 runs").arg(count);
}

}  // namespace

bool is_workspace_path(const QString& path) { return path.endsWith(QLatin1String(".quantscope"), Qt::CaseInsensitive); }

WorkspaceControl::WorkspaceControl(RunsModel& runs, RunQueue& queue, QObject* parent)
    : QObject(parent), runs_(runs), queue_(queue), question_([](const QString&) { return true; }) {
  connect(&keeper_, &WorkspaceKeeper::opened, this, &WorkspaceControl::show);
  connect(&keeper_, &WorkspaceKeeper::failed, this, &WorkspaceControl::failed);
  connect(&queue_, &RunQueue::queued, this, [this](RunId id) {
    const RunEntry& entry = *runs_.find(id);
    if (!entry.workspace.isEmpty()) keeper_.plan(entry.workspace, entry.request);
  });
}

QString WorkspaceControl::name() const { return QFileInfo(path_).fileName(); }

QString WorkspaceControl::summary() const {
  if (!is_open()) return {};
  const std::size_t unfinished = queue_.is_busy() ? 0 : unfinished_runs(runs_).size();
  if (unfinished == 0) return tr("%1: %2 runs").arg(name()).arg(runs_.rowCount());
  return tr("%1: %2 of %3 runs are unfinished").arg(name()).arg(unfinished).arg(runs_.rowCount());
}

Result<std::vector<SensitivityMeasurement>> WorkspaceControl::sensitivities() const {
  if (!is_open()) return std::vector<SensitivityMeasurement>();
  const auto workspace = Workspace::open(path_.toStdString(), FileAccess::read);
  if (!workspace) return tl::unexpected(workspace.error());
  return (*workspace)->sensitivities();
}

void WorkspaceControl::create(const QString& path) {
  if (refuse_while_busy()) return;
  // The baseline first, so that it is the baseline again when the file is opened.
  std::vector<RunEntry> rows;
  std::ranges::copy_if(runs_.entries(), std::back_inserter(rows), &QString::isEmpty, &RunEntry::workspace);
  std::stable_partition(rows.begin(), rows.end(), [&](const RunEntry& row) { return row.id == runs_.baseline()->id; });
  keeper_.create(QFileInfo(path).absoluteFilePath(), std::move(rows));
}

void WorkspaceControl::open(const QString& path) {
  if (refuse_while_busy() || !accept_loss(path)) return;
  keeper_.open(QFileInfo(path).absoluteFilePath());
}

void WorkspaceControl::close() {
  if (refuse_while_busy()) return;
  keeper_.close();
  show({}, {});
}

QString WorkspaceControl::why_not_switch() const {
  return queue_.is_busy() ? tr("Something is running; stop it first.") : QString();
}

QString WorkspaceControl::why_not_close() const {
  return is_open() ? why_not_switch() : tr("No workspace is open, so there is none to close.");
}

QString WorkspaceControl::why_not_resume() const {
  if (!is_open()) return tr("Runs go on where they stood only in a workspace; open or make one first.");
  if (queue_.is_busy()) return why_not_switch();
  return unfinished_runs(runs_).empty() ? tr("Every run of the workspace has finished.") : QString();
}

void WorkspaceControl::resume() {
  if (!why_not_resume().isEmpty()) return;
  for (const RunId id : unfinished_runs(runs_)) queue_.resume(id);
}

bool WorkspaceControl::refuse_while_busy() {
  const QString why = why_not_switch();
  if (!why.isEmpty()) Q_EMIT failed(Error{ErrorCode::invalid_argument, why.toStdString(), {}, {}});
  return !why.isEmpty();
}

std::int64_t WorkspaceControl::runs_to_lose() const {
  return std::ranges::count_if(runs_.entries(), [](const RunEntry& entry) {
    const bool begun = entry.has_result() || entry.stage == RunEntry::Stage::running;
    return begun && entry.workspace.isEmpty() && !entry.in_report;
  });
}

bool WorkspaceControl::accept_closing() const {
  const std::int64_t lost = runs_to_lose();
  return lost == 0 || question_(tr("Nothing keeps the results of %1 in the table: they would be lost. \"New "
                                   "workspace\" or \"Export report\" keeps them. Close the window and lose them?")
                                    .arg(runs_text(lost)));
}

bool WorkspaceControl::accept_loss(const QString& path) const {
  const std::int64_t lost = runs_to_lose();
  return lost == 0 || question_(tr("Nothing keeps the results of %1 in the table: they would be lost. \"New "
                                   "workspace\" keeps them. Open %2 and lose them?")
                                    .arg(runs_text(lost), QFileInfo(path).fileName()));
}

void WorkspaceControl::show(const QString& path, const std::vector<RunEntry>& rows) {
  if (refuse_while_busy()) return;  // it was started while the file was read
  path_ = path;
  queue_.set_workspace(path);
  runs_.replace(rows);
  Q_EMIT changed();
}

}  // namespace quantscope::ui
