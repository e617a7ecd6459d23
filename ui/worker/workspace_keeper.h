// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QThread>
#include <memory>
#include <vector>

#include "core/workspace/workspace.h"
#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// Makes and reads workspaces and notes in them what is going to run, on a thread of its own: none of it waits for a
/// run, or makes the window wait. Runs store their items themselves, see RunWorker. Every call returns at once; calls
/// are answered in their order.
class WorkspaceKeeper : public QObject {
  Q_OBJECT

 public:
  explicit WorkspaceKeeper(QObject* parent = nullptr);
  ~WorkspaceKeeper() override;

  /// A new file that takes in `rows`: results, and as plans those that never began. Of all of them or none; a file that
  /// is there is refused.
  void create(const QString& path, std::vector<RunEntry> rows);
  void open(const QString& path);
  /// Notes in that workspace what is going to run.
  void plan(const QString& path, const RunRequest& request);
  void close();

 Q_SIGNALS:
  void opened(const QString& path, const std::vector<quantscope::ui::RunEntry>& rows);
  void failed(const quantscope::Error& error);

 private:
  template <class Work>
  void post(Work work);
  Result<void> create_now(const std::filesystem::path& path, const std::vector<RunEntry>& rows);
  Result<void> open_now(const std::filesystem::path& path);
  Result<void> plan_now(const std::filesystem::path& path, const RunRequest& request);
  /// Tells what it holds and keeps it open.
  Result<void> show(std::unique_ptr<Workspace> workspace);

  QThread thread_;
  QObject* on_thread_;                    // where work is queued to
  std::unique_ptr<Workspace> workspace_;  // touched on the thread only
};

}  // namespace quantscope::ui
