// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/job_clock.h"

#include <QCoreApplication>
#include <QStringList>

#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

constexpr double settle_seconds = 0.5;  // a rate from less than this jumps too much to be shown

}  // namespace

void JobClock::restart() { stage_.clear(); }

JobStatus JobClock::update(const Progress& progress) {
  if (progress.stage != stage_ || progress.done < done_at_start_) {
    stage_ = progress.stage;
    done_at_start_ = progress.done;
    timer_.start();
  }
  return estimate(progress, done_at_start_, static_cast<double>(timer_.elapsed()) / 1000.0);
}

JobStatus JobClock::estimate(const Progress& progress, std::int64_t done_at_start, double seconds) {
  JobStatus status;
  status.stage = QString::fromStdString(progress.stage);
  status.note = QString::fromStdString(progress.note);
  status.done = progress.done;
  status.total = progress.total;
  const std::int64_t finished = progress.done - done_at_start;
  if (seconds < settle_seconds || finished <= 0) return status;
  status.rate = static_cast<double>(finished) / seconds;
  if (progress.total > 0) status.seconds_left = static_cast<double>(progress.total - progress.done) / status.rate;
  return status;
}

QString status_text(const JobStatus& status) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("JobStatus", text); };
  if (status.stage.isEmpty()) return tr("Ready");
  QString what = QStringLiteral("%1: %2 ").arg(status.configuration, status.stage);
  what += status.total > 0 ? tr("%1 of %2").arg(status.done).arg(status.total) : QString::number(status.done);
  QStringList parts{what};
  if (status.rate > 0) parts << format_rate(status.rate);
  if (status.seconds_left >= 0) parts << tr("%1 left").arg(format_duration(status.seconds_left));
  if (status.waiting > 0) parts << tr("%1 waiting").arg(status.waiting);
  return parts.join(QStringLiteral(", "));
}

}  // namespace quantscope::ui
