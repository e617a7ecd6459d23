// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/ptx.h"

/// Weights on their way to few_rows_kernel.h: stages in shared memory, one per step, which asynchronous copies fill
/// while earlier steps are multiplied and, above all, while the kernel before is still at work. Registers could hold
/// one step. Every lane copies the weights that it multiplies itself, so that it waits for its own copies and for
/// nobody else's.
namespace quantscope::cuda {

inline constexpr int few_rows_threads = 256;
/// Shared memory that a block may have on every GPU with tensor cores for 16 bits (sm_86, sm_89 and sm_120 have least).
inline constexpr int largest_block_bytes = 99 << 10;
inline constexpr int most_stages = 4;

/// A lane's weights of one row in one stage: quads of 16 bytes and words of 4. Those of all threads lie side by side,
/// so that each reads from banks of its own.
class LaneStage {
 public:
  __device__ LaneStage(unsigned char* quads, unsigned char* words) : quads_(quads), words_(words) {}

  /// Copies 16 bytes, aligned to 16; zeros where `inside` is false, as they add nothing to a sum.
  __device__ void copy_quad(int index, const void* from, bool inside = true) const {
    ptx::copy_async(quads_ + index * 16 * few_rows_threads, from, inside ? 16 : 0);
  }
  /// Copies a word, aligned to 4.
  __device__ void copy_word(int index, const void* from) const {
    ptx::copy_async_word(words_ + index * 4 * few_rows_threads, from);
  }
  /// Copies the aligned word that a byte lies in; which of its bytes it is.
  __device__ std::uint32_t copy_word_around(int index, const unsigned char* byte) const {
    const auto offset = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(byte) & 3U);
    copy_word(index, byte - offset);
    return offset;
  }

  __device__ uint4 quad(int index) const {
    return *reinterpret_cast<const uint4*>(quads_ + index * 16 * few_rows_threads);
  }
  __device__ std::uint32_t word(int index) const {
    return *reinterpret_cast<const std::uint32_t*>(words_ + index * 4 * few_rows_threads);
  }

 private:
  unsigned char* quads_;
  unsigned char* words_;
};

/// What a lane multiplies in a step of one row: where it lies, the first of the step's columns that belong to the lane
/// where these follow each other, and four bits that Codec::fetch() left for the others.
struct StagedRow {
  LaneStage stage;
  int column = 0;
  std::uint32_t note = 0;
};

inline constexpr int note_bits = 4;

/// Sizes of the stages of a codec.
template <class Codec>
struct Stages {
  static constexpr int quad_bytes = 16 * Codec::quads * few_rows_threads;  // of one row
  static constexpr int word_bytes = 4 * Codec::words * few_rows_threads;
  static constexpr int stage_bytes = 2 * (quad_bytes + word_bytes);

  /// How many a block has beside so many other bytes.
  static constexpr int count(int other_bytes) {
    const int fitting = (largest_block_bytes - other_bytes) / stage_bytes;
    return fitting < most_stages ? fitting : most_stages;
  }

  /// Row 0 or 1 of a stage, for the calling thread.
  __device__ static LaneStage lane_stage(unsigned char* stages, int stage, int row) {
    const int thread = static_cast<int>(threadIdx.x);
    unsigned char* const begin = stages + stage * stage_bytes;
    return {begin + row * quad_bytes + 16 * thread, begin + 2 * quad_bytes + row * word_bytes + 4 * thread};
  }
};

}  // namespace quantscope::cuda
