// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/workspace_keeper.h"

#include "ui/models/workspace_rows.h"
#include "ui/worker/existing_workspace.h"

namespace quantscope::ui {
namespace {
namespace fs = std::filesystem;

fs::path path_of(const QString& path) { return {path.toStdString()}; }

/// The file and what SQLite may have left beside it.
void remove_database(const fs::path& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path.string() + suffix, ignored);
}

/// Results as they are; what was stopped before it had any is noted as a plan.
Result<void> take_in(Workspace& workspace, const std::vector<RunEntry>& rows) {
  for (const RunEntry& row : rows) {
    Result<void> taken;
    if (row.has_result())
      taken = workspace.add(*row.result);
    else if (row.stage == RunEntry::Stage::stopped)
      taken = workspace.plan({&row.request, 1});
    if (!taken) return taken;
  }
  return {};
}

}  // namespace

WorkspaceKeeper::WorkspaceKeeper(QObject* parent) : QObject(parent), on_thread_(new QObject) {
  on_thread_->moveToThread(&thread_);
  connect(&thread_, &QThread::finished, on_thread_, &QObject::deleteLater);
  thread_.setObjectName(QStringLiteral("workspace"));
  thread_.start();
}

WorkspaceKeeper::~WorkspaceKeeper() {
  thread_.quit();
  thread_.wait();
}

template <class Work>
void WorkspaceKeeper::post(Work work) {
  QMetaObject::invokeMethod(
      on_thread_,
      [this, work = std::move(work)] {
        if (const Result<void> done = work(); !done) Q_EMIT failed(done.error());
      },
      Qt::QueuedConnection);
}

void WorkspaceKeeper::create(const QString& path, std::vector<RunEntry> rows) {
  post([this, path = path_of(path), rows = std::move(rows)] { return create_now(path, rows); });
}

void WorkspaceKeeper::open(const QString& path) {
  post([this, path = path_of(path)] { return open_now(path); });
}

void WorkspaceKeeper::plan(const QString& path, const RunRequest& request) {
  post([this, path = path_of(path), request] { return plan_now(path, request); });
}

void WorkspaceKeeper::close() {
  post([this]() -> Result<void> {
    workspace_.reset();
    return {};
  });
}

Result<void> WorkspaceKeeper::create_now(const fs::path& path, const std::vector<RunEntry>& rows) {
  std::error_code ignored;
  if (fs::exists(path, ignored))
    return fail(ErrorCode::invalid_argument,
                path.string() + " exists already; open it as a workspace, or choose another name.", path.string());
  auto workspace = Workspace::open(path, FileAccess::write);
  if (!workspace) return tl::unexpected(workspace.error());
  if (auto taken = take_in(**workspace, rows); !taken) {
    workspace->reset();
    remove_database(path);
    return taken;
  }
  return show(std::move(*workspace));
}

Result<void> WorkspaceKeeper::open_now(const fs::path& path) {
  auto workspace = open_existing_workspace(path);
  if (!workspace) return tl::unexpected(workspace.error());
  return show(std::move(*workspace));
}

Result<void> WorkspaceKeeper::plan_now(const fs::path& path, const RunRequest& request) {
  if (workspace_ == nullptr || workspace_->path() != path) {
    auto workspace = open_existing_workspace(path);
    if (!workspace) return tl::unexpected(workspace.error());
    workspace_ = std::move(*workspace);
  }
  return workspace_->plan({&request, 1});
}

Result<void> WorkspaceKeeper::show(std::unique_ptr<Workspace> workspace) {
  auto rows = rows_of(*workspace);
  if (!rows) return tl::unexpected(rows.error());
  workspace_ = std::move(workspace);
  Q_EMIT opened(QString::fromStdString(workspace_->path().string()), *rows);
  return {};
}

}  // namespace quantscope::ui
