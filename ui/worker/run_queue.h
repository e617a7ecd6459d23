// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QThread>
#include <deque>
#include <stop_token>

#include "core/experiment/runner.h"
#include "ui/models/job_clock.h"
#include "ui/models/runs_model.h"

namespace quantscope::ui {

class RunWorker;

/// Runs configurations one after another on the worker thread and keeps the runs table up to date. Lives on the
/// window's thread; no call waits, except the destructor, which stops what is running first.
class RunQueue : public QObject {
  Q_OBJECT

 public:
  RunQueue(ResourcePaths resources, RunsModel& runs, QObject* parent = nullptr);
  ~RunQueue() override;

  /// Adds a row to the table; it runs when those before it are done.
  RunId add(RunRequest request, std::optional<Resolved> forecast);
  /// Takes up a row that has ended; what its workspace keeps is not computed again.
  void resume(RunId id);
  /// Where the runs that are added from now on are kept; empty: nowhere.
  void set_workspace(const QString& path) { workspace_ = path; }
  bool is_busy() const { return running_ != 0; }
  /// Stops the running configuration and forgets the waiting ones; what was finished stays in the table.
  void stop();
  const JobStatus& status() const { return status_; }

 Q_SIGNALS:
  /// A row waits for its turn.
  void queued(quantscope::ui::RunId id);
  void started(quantscope::ui::RunId id);
  void status_changed(const quantscope::ui::JobStatus& status);
  void run_ended(quantscope::ui::RunId id);
  void run_failed(const quantscope::Error& error);
  void became_idle();

 private:
  void connect_worker();
  void enqueue(RunId id);
  void start_next();
  void on_progress(RunId id, const Progress& progress);
  void on_finished(RunId id, std::shared_ptr<const RunResult> result);
  RunId earlier_row(RunId id, const RunResult& result) const;
  void on_failed(RunId id, const Error& error);
  void end_run(RunId id);

  RunsModel& runs_;
  QThread thread_;
  RunWorker* worker_;
  QString workspace_;
  std::deque<RunId> waiting_;
  RunId running_ = 0;
  std::stop_source stop_;
  JobClock clock_;
  JobStatus status_;
};

}  // namespace quantscope::ui
