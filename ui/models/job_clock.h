// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QString>

#include "core/experiment/runner.h"

namespace quantscope::ui {

/// What the status bar says about the running job. An empty stage means that nothing runs.
struct JobStatus {
  QString configuration;
  QString stage, note;
  std::int64_t done = 0, total = 0;
  double rate = 0;           ///< units per second; 0 while unknown
  double seconds_left = -1;  ///< of this stage; negative while unknown
  int waiting = 0;           ///< configurations behind this one
};

/// Rate and time left of each stage, from the progress reports.
class JobClock {
 public:
  void restart();
  JobStatus update(const Progress& progress);
  /// As update(), with the time since the stage began given: for tests.
  static JobStatus estimate(const Progress& progress, std::int64_t done_at_start, double seconds);

 private:
  QElapsedTimer timer_;
  std::string stage_;
  std::int64_t done_at_start_ = 0;
};

/// "NF4: CoQA 12 of 15, 3.2/s, 1 s left, 4 waiting".
QString status_text(const JobStatus& status);

}  // namespace quantscope::ui
