// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/run_queue.h"

#include <algorithm>

#include "ui/worker/run_worker.h"

namespace quantscope::ui {
RunQueue::RunQueue(ResourcePaths resources, RunsModel& runs, QObject* parent)
    : QObject(parent), runs_(runs), worker_(new RunWorker(std::move(resources))) {
  worker_->moveToThread(&thread_);
  connect(&thread_, &QThread::finished, worker_, &QObject::deleteLater);
  connect_worker();
  thread_.setObjectName(QStringLiteral("runs"));
  thread_.start();
}

RunQueue::~RunQueue() {
  stop_.request_stop();
  thread_.quit();
  thread_.wait();
}

void RunQueue::connect_worker() {
  connect(worker_, &RunWorker::resolved, this, [this](RunId id, const std::shared_ptr<const Resolved>& resolved) {
    runs_.update(id, [&](RunEntry& entry) { entry.resolved = *resolved; });
  });
  connect(worker_, &RunWorker::loaded, this, [this](RunId id, const std::shared_ptr<const RunResult>& partial) {
    runs_.update(id, [&](RunEntry& entry) {
      entry.stage = RunEntry::Stage::running;
      entry.progress = 0;
      entry.result = partial;
    });
  });
  connect(worker_, &RunWorker::answered, this, [this](RunId id, const std::array<QaScore, 3>& scores) {
    runs_.update(id, [&](RunEntry& entry) { entry.answers.push_back(scores); });
  });
  connect(worker_, &RunWorker::progressed, this, &RunQueue::on_progress);
  connect(worker_, &RunWorker::finished, this, &RunQueue::on_finished);
  connect(worker_, &RunWorker::failed, this, &RunQueue::on_failed);
}

RunId RunQueue::add(RunRequest request, std::optional<Resolved> forecast) {
  RunEntry entry;
  entry.request = std::move(request);
  entry.resolved = std::move(forecast);
  entry.workspace = workspace_;
  const RunId id = runs_.add(std::move(entry));
  enqueue(id);
  return id;
}

void RunQueue::resume(RunId id) {
  const RunEntry* entry = runs_.find(id);
  if (entry == nullptr || !entry->ended()) return;
  runs_.update(id, [](RunEntry& changed) {
    changed.stage = RunEntry::Stage::queued;
    changed.message.clear();
    changed.answers.clear();
    changed.pairs = {};
    changed.progress = 0;
  });
  enqueue(id);
}

void RunQueue::enqueue(RunId id) {
  Q_EMIT queued(id);
  waiting_.push_back(id);
  if (!is_busy()) start_next();
}

void RunQueue::stop() {
  stop_.request_stop();
  const std::deque<RunId> forgotten = std::exchange(waiting_, {});
  for (const RunId id : forgotten) runs_.update(id, [](RunEntry& entry) { entry.stage = RunEntry::Stage::stopped; });
}

void RunQueue::start_next() {
  while (!waiting_.empty() && runs_.find(waiting_.front()) == nullptr) waiting_.pop_front();  // deleted meanwhile
  if (waiting_.empty()) {
    running_ = 0;
    status_ = {};
    Q_EMIT status_changed(status_);
    Q_EMIT became_idle();
    return;
  }
  running_ = waiting_.front();
  waiting_.pop_front();
  stop_ = std::stop_source();
  clock_.restart();
  runs_.update(running_, [](RunEntry& entry) { entry.stage = RunEntry::Stage::loading; });
  Q_EMIT started(running_);
  const RunEntry& next = *runs_.find(running_);
  QMetaObject::invokeMethod(
      worker_,
      [worker = worker_, id = running_, request = next.request, workspace = next.workspace, token = stop_.get_token()] {
        worker->run(id, request, workspace, token);
      },
      Qt::QueuedConnection);
}

void RunQueue::on_progress(RunId id, const Progress& progress) {
  if (id != running_) return;
  const RunEntry* entry = runs_.find(id);
  if (entry == nullptr) return;
  status_ = clock_.update(progress);
  status_.configuration = QString::fromStdString(configuration_label(entry->request.settings));
  status_.waiting = static_cast<int>(waiting_.size());
  const double share =
      progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 0;
  runs_.update(id, [&](RunEntry& changed) { changed.progress = std::clamp(share, 0.0, 1.0); });
  Q_EMIT status_changed(status_);
}

/// A workspace holds a run once: the row before this one that shows the same run, or 0. The time of its first start
/// tells it from runs of the same request on another device or with another version.
RunId RunQueue::earlier_row(RunId id, const RunResult& result) const {
  const RunEntry* entry = runs_.find(id);
  if (entry == nullptr || entry->workspace.isEmpty()) return 0;
  const std::string request = to_json(result.request);
  for (const RunEntry& other : runs_.entries()) {
    if (other.id == id) break;
    const bool same_start = other.result == nullptr || other.result->provenance.started == result.provenance.started;
    if (other.ended() && other.workspace == entry->workspace && same_start && to_json(other.request) == request)
      return other.id;
  }
  return 0;
}

void RunQueue::on_finished(RunId id, std::shared_ptr<const RunResult> result) {
  if (const RunId earlier = earlier_row(id, *result); earlier != 0) {
    runs_.remove(id);
    id = earlier;
  }
  runs_.update(id, [&](RunEntry& entry) {
    entry.stage = stage_of(result->state);
    entry.resolved = result->resolved;
    if (result->error) entry.message = QString::fromStdString(result->error->message);
    entry.result = result;
  });
  if (result->state == RunState::failed && result->error) Q_EMIT run_failed(*result->error);
  end_run(id);
}

void RunQueue::on_failed(RunId id, const Error& error) {
  const bool stopped = error.code == ErrorCode::cancelled;
  runs_.update(id, [&](RunEntry& entry) {
    entry.stage = stopped ? RunEntry::Stage::stopped : RunEntry::Stage::failed;
    entry.message = QString::fromStdString(error.message);
  });
  if (!stopped) Q_EMIT run_failed(error);
  end_run(id);
}

void RunQueue::end_run(RunId id) {
  Q_EMIT run_ended(id);
  start_next();
}

}  // namespace quantscope::ui
