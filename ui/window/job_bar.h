// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "core/experiment/resolve.h"
#include "ui/models/job_clock.h"

class QLabel;
class QProgressBar;

namespace quantscope::ui {

/// The status bar's content: device, memory, and the running job with rate and time left.
class JobBar : public QWidget {
  Q_OBJECT

 public:
  explicit JobBar(const DeviceDescription& device, QWidget* parent = nullptr);

  QString job_text() const;

  void set_device(const DeviceDescription& device);

 public Q_SLOTS:
  void set_status(const quantscope::ui::JobStatus& status);
  /// Shows a message of the status bar in place of the job; an empty one takes it away.
  void show_message(const QString& message);

 private:
  void show_text();

  QString status_, message_;
  QLabel* job_;
  QLabel* machine_;
  QLabel* memory_;
  QProgressBar* progress_;
};

}  // namespace quantscope::ui
