// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/resource_paths.h"
#include "core/experiment/run_request.h"
#include "core/experiment/run_result.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/backend.h"
#include "kernels/progress.h"

namespace quantscope {

class RunStore;

/// What a front end wants to hear while a run goes on. Called on the running thread; any may be empty.
struct RunObserver {
  ProgressFn progress;
  std::function<void(const Resolved&)> resolved;
  std::function<void(const RunResult&)> loaded;       ///< model in place: memory and tensors are filled
  std::function<void(const QaAnswer&)> answer;        ///< also each stored one, before the others
  std::function<void(const PerplexityChunk&)> chunk;  ///< likewise
  std::function<void(const KlChunk&)> kl_chunk;       ///< likewise, with its tokens
};

/// Executes requests one after another in the calling thread; keeps the checkpoint, its tokenizer and the backend
/// between runs that share them.
class Runner {
 public:
  explicit Runner(ResourcePaths resources);
  ~Runner();

  /// Opens and keeps a checkpoint ("default" = the cached default model).
  Result<std::shared_ptr<const Checkpoint>> open(const std::string& model);

  /// Never loses what was finished: a stop or a failure in the middle is a RunResult with state stopped or failed.
  /// A Result error means that nothing was started (no such model, a Conflict, ...). With a store, what it holds of
  /// this run is not computed again and everything else is kept in it as it finishes; the numbers are those of a run
  /// without one.
  Result<RunResult> run(const RunRequest& request, const RunObserver& observer, std::stop_token stop,
                        RunStore* store = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quantscope
