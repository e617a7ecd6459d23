// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/report/pairs.h"

namespace quantscope::ui {

using RunId = int;

/// A run against the pinned baseline. A row without a comparison says in its verdict why there is none.
struct RunPairs {
  std::optional<PairRow> f1, perplexity;

  /// The comparison in F1, where there is one.
  const PairedComparison* comparison() const { return f1 && f1->comparison ? &*f1->comparison : nullptr; }
};

/// What a row of the runs table knows: from the moment it is queued until its result is there.
struct RunEntry {
  enum class Stage { queued, loading, running, finished, stopped, failed, refused };

  RunId id = 0;
  RunRequest request;
  Stage stage = Stage::queued;
  QString workspace;       ///< the file that keeps it; empty: none
  bool in_report = false;  ///< whether a report folder holds its result
  QString message;         ///< why it failed or cannot run
  std::optional<Resolved> resolved;
  std::shared_ptr<const RunResult> result;      ///< partial while running: memory and tensors
  std::vector<std::array<QaScore, 3>> answers;  ///< streamed in, indexed by Scorer
  double progress = 0;                          ///< 0..1
  RunPairs pairs;
  QString model_label;  ///< names the model where the rows are of several

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
/// Gives each row the name of its model where the rows are of several models, else none.
void tell_models_apart(std::deque<RunEntry>& rows);

}  // namespace quantscope::ui
