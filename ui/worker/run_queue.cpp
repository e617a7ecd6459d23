// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/run_queue.h"

#include <algorithm>

#include "ui/worker/run_worker.h"

namespace quantscope::ui {
namespace {

RunEntry::Stage stage_of(RunState state) {
  switch (state) {
    case RunState::finished: return RunEntry::Stage::finished;
    case RunState::stopped: return RunEntry::Stage::stopped;
    case RunState::failed: return RunEntry::Stage::failed;
  }
  return RunEntry::Stage::failed;
}

}  // namespace

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
  const RunId id = runs_.add(std::move(entry));
  waiting_.push_back(id);
  if (!is_busy()) start_next();
  return id;
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
  const RunRequest request = runs_.find(running_)->request;
  QMetaObject::invokeMethod(
      worker_,
      [worker = worker_, id = running_, request, token = stop_.get_token()] { worker->run(id, request, token); },
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

void RunQueue::on_finished(RunId id, std::shared_ptr<const RunResult> result) {
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
