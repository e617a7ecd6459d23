// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/report/pairs.h"

namespace quantscope::ui {

using RunId = int;

/// What a row of the runs table knows: from the moment it is queued until its result is there.
struct RunEntry {
  enum class Stage { queued, loading, running, finished, stopped, failed, refused };

  RunId id = 0;
  RunRequest request;
  Stage stage = Stage::queued;
  QString workspace;  ///< the file that keeps it; empty: none
  QString message;    ///< why it failed or cannot run
  std::optional<Resolved> resolved;
  std::shared_ptr<const RunResult> result;      ///< partial while running: memory and tensors
  std::vector<std::array<QaScore, 3>> answers;  ///< streamed in, indexed by Scorer
  double progress = 0;                          ///< 0..1
  std::optional<PairRow> pair;                  ///< against the pinned baseline; only one that has a comparison

  bool ended() const { return stage >= Stage::finished; }
  bool has_result() const { return result != nullptr && ended(); }
};

/// Whether another program made its answers, so that nothing is known of its weights.
bool is_imported(const RunEntry& entry);
/// Final scores when there are some, else those of the answers so far.
MeanEstimate f1_of(const RunEntry& entry, Scorer scorer);
MeanEstimate em_of(const RunEntry& entry, Scorer scorer);
/// Measured where a run has loaded, else the forecast; null before `resolve`, and for
/// imported answers.
const MemoryRows* memory_of(const RunEntry& entry);
RunEntry::Stage stage_of(RunState state);
/// A stopped run that a workspace keeps is "unfinished", with what is kept of it.
QString stage_text(const RunEntry& entry);
/// Whether two runs asked the same things of the same model, so that their differences mean something.
bool same_tasks(const RunEntry& a, const RunEntry& b);

}  // namespace quantscope::ui
