// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "core/experiment/kl_base.h"
#include "core/experiment/run_store.h"
#include "core/experiment/runner.h"
#include "core/experiment/task_data.h"

/// Between the Runner and the tasks of one run; nobody else needs it.
namespace quantscope {

/// Hands finished parts to a store, if there is one; the first failure is remembered and stops the run.
class ItemKeeper {
 public:
  ItemKeeper(RunStore* store, const std::stop_token& stop)
      : store_(store), chain_(stop, [this] { halt_.request_stop(); }) {}

  /// Stops when the caller stops or a part could not be kept.
  std::stop_token token() const { return halt_.get_token(); }
  const std::optional<Error>& error() const { return error_; }

  template <class Keep>
  void with_store(const Keep& keep) {
    if (store_ == nullptr || error_) return;
    const Result<void> kept = keep(*store_);
    if (kept) return;
    error_ = kept.error();
    halt_.request_stop();
  }

 private:
  RunStore* store_;
  std::optional<Error> error_;
  std::stop_source halt_;
  std::stop_callback<std::function<void()>> chain_;
};

/// One run in progress: what the steps below share.
struct RunJob {
  const RunRequest& request;
  const RunObserver& observer;
  std::stop_token stop;
  const Checkpoint& checkpoint;
  Backend& backend;
  const Tokenizer* tokenizer;
  const TaskData& data;
  ItemKeeper& keeper;
  KlBaseKeeper& kl_bases;
  RunResult& result;  ///< at first what is stored of it
  std::optional<KlBase> kl_base = {};
};

}  // namespace quantscope
