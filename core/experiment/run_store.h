// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "core/experiment/run_result.h"

namespace quantscope {

/// Keeps the finished parts of one run as they finish, so that a run which was cut short goes on where it stood. Each
/// call is durable when it returns. A failure stops the run: what cannot be kept is not worth computing.
class RunStore {
 public:
  virtual ~RunStore() = default;

  /// Starts the run or takes it up again. `planned` holds the request, what it resolved to, where it runs, and for each
  /// task the head of its outcome (protocol, data set, hash) without items; `items` are the questions that it asks.
  /// Returns `planned` with every part that is stored for the same model, settings, arithmetic and data.
  virtual Result<RunResult> begin(const RunResult& planned, std::span<const QaItem> items) = 0;

  /// The model is in place: memory, load time and tensors.
  virtual Result<void> keep_loaded(const RunResult& run) = 0;
  /// `seconds`: spent on the task so far, over all its sessions.
  virtual Result<void> keep(const QaAnswer& answer, double seconds) = 0;
  virtual Result<void> keep(const PerplexityChunk& chunk, double seconds) = 0;
  /// With its tokens; `base_seconds`: spent on the base.
  virtual Result<void> keep(const KlChunk& chunk, double seconds, double base_seconds) = 0;
  virtual Result<void> keep(const SpeedResult& speed) = 0;
  /// The run has ended in `run.state`; its memory peaks are final.
  virtual Result<void> end(const RunResult& run) = 0;
};

}  // namespace quantscope
