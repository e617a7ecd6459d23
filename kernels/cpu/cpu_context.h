// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "kernels/cpu/simd_kernels.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/error.h"
#include "kernels/memory_ledger.h"

namespace quantscope {

/// Workspace that grows on demand and is kept between operations. Contents do not survive growing.
class Scratch {
 public:
  template <class T>
  Result<T*> reserve(MemoryLedger& ledger, std::int64_t count) {
    if (auto grown = grow(ledger, static_cast<std::size_t>(count) * sizeof(T)); !grown) {
      return tl::unexpected(grown.error());
    }
    return data<T>();
  }
  template <class T>
  T* data() {
    return reinterpret_cast<T*>(memory_.data());
  }

 private:
  Result<void> grow(MemoryLedger& ledger, std::size_t bytes);
  TaggedBuffer memory_;
};

/// What each thread needs for itself. Reserved before a loop starts, so that loop bodies cannot fail.
struct WorkerScratch {
  Scratch factors;       ///< block factors of a weight tile, or its decoded rows
  Scratch panel;         ///< a decoded weight tile
  Scratch second_panel;  ///< that of the other linear of a pair
  Scratch products;      ///< results of a tile
  Scratch integers;      ///< 32-bit sums of LLM.int8()
  Scratch scores;        ///< attention
};

/// The threads, kernels and memory of one CPU device. Used by one thread at a time.
class CpuContext {
 public:
  CpuContext(int threads, const SimdKernels& kernels);

  MemoryLedger& ledger() { return ledger_; }
  ThreadPool& pool() { return pool_; }
  int threads() const { return pool_.threads(); }
  const SimdKernels& kernels() const { return *kernels_; }
  WorkerScratch& worker(int index) { return workers_[static_cast<std::size_t>(index)]; }
  void set_stop_token(std::stop_token token) { stop_ = std::move(token); }
  const std::stop_token& stop_token() const { return stop_; }
  bool stopped() const { return stop_.stop_requested(); }

  /// Reserves `count` values of T in one scratch of every worker.
  template <class T>
  Result<void> reserve_per_worker(Scratch WorkerScratch::*scratch, std::int64_t count) {
    for (WorkerScratch& worker : workers_) {
      if (auto memory = (worker.*scratch).template reserve<T>(ledger_, count); !memory) {
        return tl::unexpected(memory.error());
      }
    }
    return {};
  }

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
  std::vector<WorkerScratch> workers_;
  ThreadPool pool_;
};

}  // namespace quantscope
