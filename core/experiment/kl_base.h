// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/evaluate/kl_divergence.h"
#include "core/experiment/resolve.h"
#include "core/model/model.h"
#include "kernels/progress.h"

namespace quantscope {

/// The base of KL divergences: its head and its hidden states, computed once and kept for all runs that compare with
/// the same base on the same text. Must be cleared before the checkpoint or the backend it came from goes away.
class KlBaseKeeper {
 public:
  /// `key` names checkpoint and text; with the base's settings it decides whether what is kept is still the same, and
  /// then it must hold the windows of `text`. Valid until the next call.
  Result<KlBase> get(const std::string& key, const Checkpoint& checkpoint, const ResolvedKlBase& base,
                     const WindowedText& text, Backend& backend, const ProgressFn& progress, std::stop_token stop);
  void clear();
  /// What the last get() took.
  double seconds() const { return seconds_; }

 private:
  bool holds(const std::string& key, const ChunkRange& windows) const;
  Result<void> compute(const Checkpoint& checkpoint, const ResolvedKlBase& base, const WindowedText& text,
                       Backend& backend, const ProgressFn& progress, std::stop_token stop);

  std::string key_;
  std::unique_ptr<Model> model_;  // without its blocks
  ScoredStates states_;
  ChunkRange windows_;
  double seconds_ = 0;
};

}  // namespace quantscope
