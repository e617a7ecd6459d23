// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/error.h"
#include "kernels/memory_ledger.h"

namespace quantscope {

/// Workspace that grows on demand and is kept between operations. Contents do not survive growing.
class Scratch {
 public:
  template <class T>
  Result<T*> reserve(MemoryLedger& ledger, std::int64_t count) {
    const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > memory_.size()) {
      if (auto resized = resize(ledger, bytes); !resized) return tl::unexpected(resized.error());
    }
    return data<T>();
  }
  Result<void> resize(MemoryLedger& ledger, std::size_t bytes);
  template <class T>
  T* data() {
    return reinterpret_cast<T*>(memory_.data());
  }

 private:
  TaggedBuffer memory_;
};

/// What all threads share.
enum class SharedScratch : std::uint8_t {
  normalized,         ///< rows after a norm
  second_normalized,  ///< those of the other model of a pair
  norm_weight,        ///< a norm's weights in fp32
  key_norm_weight,
  projected,   ///< products before the norm that follows them
  rotation,    ///< angles and a head for each row
  biases,      ///< of the linears of one operation
  head_parts,  ///< partial results per vocabulary tile
};
inline constexpr std::size_t shared_scratch_count = 8;

/// What each thread needs for itself. Reserved before a loop starts, so that loop bodies cannot fail.
enum class WorkerScratch : std::uint8_t {
  factors,       ///< block factors of a weight tile, or its decoded rows
  panel,         ///< a decoded weight tile
  second_panel,  ///< that of the other linear of a pair
  products,      ///< results of a tile
  integers,      ///< 32-bit sums of LLM.int8()
  scores,        ///< attention
};
inline constexpr std::size_t worker_scratch_count = 6;

/// Bytes of all scratch of a device.
struct ScratchSizes {
  std::array<std::int64_t, shared_scratch_count> shared{};
  std::array<std::int64_t, worker_scratch_count> worker{};
  std::vector<std::int64_t> packed;  ///< inputs of the linears of one operation

  std::int64_t& operator[](SharedScratch which) { return shared[static_cast<std::size_t>(which)]; }
  std::int64_t& operator[](WorkerScratch which) { return worker[static_cast<std::size_t>(which)]; }
  std::int64_t total(int workers) const;
};

/// All scratch of a device.
class ScratchSet {
 public:
  explicit ScratchSet(int workers) : workers_(static_cast<std::size_t>(workers)) {}

  Scratch& operator[](SharedScratch which) { return shared_[static_cast<std::size_t>(which)]; }
  Scratch& of_worker(int worker, WorkerScratch which) {
    return workers_[static_cast<std::size_t>(worker)][static_cast<std::size_t>(which)];
  }
  Scratch& packed(std::size_t slot);
  /// Exactly these sizes; contents are lost.
  Result<void> resize(MemoryLedger& ledger, const ScratchSizes& sizes);

 private:
  std::array<Scratch, shared_scratch_count> shared_;
  std::vector<std::array<Scratch, worker_scratch_count>> workers_;
  std::vector<Scratch> packed_;
};

}  // namespace quantscope
