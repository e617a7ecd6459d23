// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/run_worker.h"

#include "ui/worker/existing_workspace.h"

namespace quantscope::ui {
namespace {

constexpr qint64 report_interval_ms = 50;  // faster than this nobody can read

}  // namespace

void RunWorker::run(RunId id, const RunRequest& request, const QString& workspace, std::stop_token stop) {
  if (stop.stop_requested()) {
    Q_EMIT failed(id, Error{ErrorCode::cancelled, "Stopped by the user.", {}, {}});
    return;
  }
  if (runner_ == nullptr) runner_ = std::make_unique<Runner>(resources_);
  last_report_.invalidate();
  RunObserver observer;
  observer.progress = [this, id](const Progress& progress) { report(id, progress); };
  observer.resolved = [this, id](const Resolved& what) { Q_EMIT resolved(id, std::make_shared<const Resolved>(what)); };
  observer.loaded = [this, id](const RunResult& partial) {
    Q_EMIT loaded(id, std::make_shared<const RunResult>(partial));
  };
  observer.answer = [this, id](const QaAnswer& answer) { Q_EMIT answered(id, answer.scores); };
  auto result = run_kept(request, observer, workspace, stop);
  if (result)
    Q_EMIT finished(id, std::make_shared<const RunResult>(std::move(*result)));
  else
    Q_EMIT failed(id, result.error());
}

Result<RunResult> RunWorker::run_kept(const RunRequest& request, const RunObserver& observer, const QString& workspace,
                                      const std::stop_token& stop) {
  if (workspace.isEmpty()) return runner_->run(request, observer, stop);
  auto file = open_existing_workspace(workspace.toStdString());
  if (!file) return tl::unexpected(file.error());
  const std::unique_ptr<RunStore> store = (*file)->store();
  return runner_->run(request, observer, stop, store.get());
}

void RunWorker::report(RunId id, const Progress& progress) {
  const bool is_last = progress.total > 0 && progress.done >= progress.total;
  const bool due = !last_report_.isValid() || last_report_.elapsed() >= report_interval_ms;
  if (!due && !is_last && progress.stage == last_stage_) return;
  last_report_.start();
  last_stage_ = progress.stage;
  Q_EMIT progressed(id, progress);
}

}  // namespace quantscope::ui
