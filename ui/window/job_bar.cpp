// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/job_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>

#include "ui/models/format.h"

namespace quantscope::ui {

JobBar::JobBar(const DeviceDescription& device, QWidget* parent)
    : QWidget(parent),
      job_(new QLabel(this)),
      machine_(new QLabel(this)),
      memory_(new QLabel(this)),
      progress_(new QProgressBar(this)) {
  machine_->setAccessibleName(tr("Device"));
  memory_->setAccessibleName(tr("Memory"));
  job_->setAccessibleName(tr("Running job"));
  job_->setTextFormat(Qt::PlainText);
  job_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);  // a long text does not widen the window
  progress_->setAccessibleName(tr("Progress of the running job"));
  progress_->setFixedWidth(fontMetrics().averageCharWidth() * 24);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(6, 0, 6, 0);
  layout->addWidget(job_, 1);
  layout->addWidget(progress_);
  layout->addSpacing(12);
  layout->addWidget(machine_);
  layout->addSpacing(12);
  layout->addWidget(memory_);
  set_device(device);
  set_status({});
}

void JobBar::set_device(const DeviceDescription& device) {
  machine_->setText(tr("%1, %2, %3 threads")
                        .arg(QString::fromStdString(device.name), QString::fromStdString(device.dispatch_level))
                        .arg(device.threads));
  memory_->setText(tr("%1 of %2 MiB free").arg(format_mib(device.memory_free), format_mib(device.memory_total)));
}

QString JobBar::job_text() const { return job_->text(); }

void JobBar::show_message(const QString& message) {
  message_ = message;
  show_text();
}

void JobBar::show_text() { job_->setText(message_.isEmpty() ? status_ : message_); }

void JobBar::set_status(const JobStatus& status) {
  status_ = status_text(status);
  show_text();
  progress_->setVisible(!status.stage.isEmpty());
  // A range of 0..0 shows that something is going on although its end is not known.
  progress_->setRange(0, status.total > 0 ? 1000 : 0);
  if (status.total > 0) progress_->setValue(static_cast<int>(1000 * status.done / status.total));
}

}  // namespace quantscope::ui
