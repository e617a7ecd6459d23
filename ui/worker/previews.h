// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QThread>
#include <map>
#include <memory>
#include <stop_token>

#include "core/experiment/tensor_preview.h"
#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// Runs paired with the baseline, by row id.
using PairsById = std::map<RunId, RunPairs>;

/// Short work beside a run, on a thread of its own: opening checkpoints, statistics of tensors, paired comparisons.
/// Of each kind the latest request wins: an older one is stopped and its answer never arrives.
class Previews : public QObject {
  Q_OBJECT

 public:
  explicit Previews(QObject* parent = nullptr);
  ~Previews() override;

  void open(const QString& path);
  /// Free memory changes; asking a driver may take a while.
  void ask_devices();
  void preview(std::shared_ptr<const Checkpoint> checkpoint, std::size_t tensor, const WeightFormat& format);
  /// Statistics of all tensors, one after another, with room for other requests between them.
  void scan(std::shared_ptr<const Checkpoint> checkpoint);
  void compare(std::shared_ptr<const RunResult> base, std::map<RunId, std::shared_ptr<const RunResult>> others,
               Scorer scorer);

 Q_SIGNALS:
  void opened(const QString& path, std::shared_ptr<const quantscope::Checkpoint> checkpoint);
  void open_failed(const quantscope::Error& error);
  void preview_ready(const QString& tensor, std::shared_ptr<const quantscope::TensorPreview> preview);
  void preview_failed(const quantscope::Error& error);
  void scanned(const QString& tensor, std::shared_ptr<const quantscope::TensorPreview> preview);
  void devices_known(const std::vector<quantscope::DeviceDescription>& devices);
  void compared(const quantscope::ui::PairsById& pairs);

 private:
  template <class Work>
  void post(std::stop_source& latest, Work work);
  void scan_from(std::shared_ptr<const Checkpoint> checkpoint, std::size_t tensor, std::stop_token token);
  Result<TensorPreview> look(const Checkpoint& checkpoint, std::size_t tensor, const WeightFormat& format,
                             std::stop_token token);

  QThread thread_;
  QObject* on_thread_;                          // where work is queued to
  std::unique_ptr<TensorPreviewer> previewer_;  // touched on the thread only
  std::stop_source opening_, previewing_, scanning_, comparing_, asking_;
};

}  // namespace quantscope::ui
