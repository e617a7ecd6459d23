// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/simd_kernels.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/error.h"
#include "kernels/memory_ledger.h"

namespace quantscope {

/// The threads, kernels and memory of one CPU device. Used by one thread at a time.
class CpuContext {
 public:
  CpuContext(int threads, const SimdKernels& kernels);

  MemoryLedger& ledger() { return ledger_; }
  ThreadPool& pool() { return pool_; }
  int threads() const { return pool_.threads(); }
  const SimdKernels& kernels() const { return *kernels_; }
  void set_stop_token(std::stop_token token) { stop_ = std::move(token); }
  const std::stop_token& stop_token() const { return stop_; }
  bool stopped() const { return stop_.stop_requested(); }

  /// At least `count` values of T for the whole device.
  template <class T>
  Result<T*> reserve(SharedScratch which, std::int64_t count) {
    return scratch_[which].template reserve<T>(ledger_, count);
  }
  /// At least so many bytes for the packed input of linear `slot` of an operation.
  Result<std::byte*> reserve_packed(std::size_t slot, std::int64_t bytes) {
    return scratch_.packed(slot).reserve<std::byte>(ledger_, bytes);
  }
  /// At least `bytes` for every worker.
  Result<void> reserve(WorkerScratch which, std::int64_t bytes);
  template <class T>
  T* worker_scratch(int worker, WorkerScratch which) {
    return scratch_.of_worker(worker, which).template data<T>();
  }
  /// Exactly these sizes for all scratch; contents are lost.
  Result<void> resize_scratch(const ScratchSizes& sizes) { return scratch_.resize(ledger_, sizes); }

  /// body(index, worker) for all indices unless stopped meanwhile. Each call should take a few milliseconds at most.
  template <class Body>
  Result<void> for_each(std::int64_t count, Body&& body) {
    pool_.parallel_for(count, [&](std::int64_t index, int worker) {
      if (!stopped()) body(index, worker);
    });
    if (stopped()) return cancelled();
    return {};
  }

 private:
  MemoryLedger ledger_;
  const SimdKernels* kernels_;
  std::stop_token stop_;
  ScratchSet scratch_;
  ThreadPool pool_;
};

}  // namespace quantscope
