// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <functional>

#include "ui/worker/previews.h"
#include "ui/worker/run_queue.h"

namespace quantscope::ui {

class Session;

/// What the Run, Compare all and Stop commands do, and the pairs that follow from the results.
class RunControl : public QObject {
  Q_OBJECT

 public:
  /// Asks whether to go on although a run is too large for the free memory; the argument is the sentence to show.
  using Question = std::function<bool(const QString&)>;

  RunControl(Session& session, RunsModel& runs, RunQueue& queue, Previews& previews, QObject* parent = nullptr);

  void set_question(Question question) { question_ = std::move(question); }

 public Q_SLOTS:
  void run_current();
  void compare_all();
  void run_again(const quantscope::RunRequest& request);
  void stop();

 private:
  bool may_start() const;
  void pair_with_baseline();
  bool accept_memory(const std::vector<Resolved>& forecasts) const;

  Session& session_;
  RunsModel& runs_;
  RunQueue& queue_;
  Previews& previews_;
  Question question_;
};

/// The sentence of a forecast that is larger than the free memory; empty when it fits.
QString too_large_sentence(const Resolved& resolved, std::int64_t free_bytes);

}  // namespace quantscope::ui
