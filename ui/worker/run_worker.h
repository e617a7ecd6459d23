// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <memory>
#include <stop_token>

#include "core/experiment/runner.h"
#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// Owns the Runner. Lives on its own thread, the only one that runs models; everything it tells is a value.
class RunWorker : public QObject {
  Q_OBJECT

 public:
  explicit RunWorker(ResourcePaths resources) : resources_(std::move(resources)) {}

  /// `workspace` is the file that keeps the run, or empty.
  void run(quantscope::ui::RunId id, const RunRequest& request, const QString& workspace, std::stop_token stop);

 Q_SIGNALS:
  void resolved(quantscope::ui::RunId id, std::shared_ptr<const quantscope::Resolved> resolved);
  void loaded(quantscope::ui::RunId id, std::shared_ptr<const quantscope::RunResult> partial);
  void answered(quantscope::ui::RunId id, std::array<quantscope::QaScore, 3> scores);
  void progressed(quantscope::ui::RunId id, quantscope::Progress progress);
  void finished(quantscope::ui::RunId id, std::shared_ptr<const quantscope::RunResult> result);
  void failed(quantscope::ui::RunId id, quantscope::Error error);

 private:
  Result<RunResult> run_kept(const RunRequest& request, const RunObserver& observer, const QString& workspace,
                             const std::stop_token& stop);
  void report(RunId id, const Progress& progress);

  ResourcePaths resources_;
  std::unique_ptr<Runner> runner_;  // made on the worker's thread
  QElapsedTimer last_report_;
  std::string last_stage_;
};

}  // namespace quantscope::ui
