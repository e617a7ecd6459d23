// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/block_reduce.h"
#include "kernels/cuda/ptx.h"

/// How a row of activations becomes the input of a linear: normalized, if it is to be, and handed to a writer that
/// rounds it. Every kernel that does so calls prepare_row(), so that all get the same bits.
namespace quantscope::cuda {

/// Threads of every block that prepares a row: the order of the sum depends on it.
inline constexpr unsigned preparing_threads = 256;

/// One input row and its RMSNorm. `columns` is a multiple of 4, memory is aligned to 16 bytes.
struct RowSource {
  const float* values = nullptr;         ///< of the row, or of row 0
  const std::int32_t* picked = nullptr;  ///< which row it is; null for the first
  int columns = 0;
  const float* norm = nullptr;  ///< null when the row is not normalized
  float epsilon = 0.0F;
  float norm_offset = 0.0F;  ///< added to each weight of the norm
};

__device__ inline float add_squares(float sum, const float4& v) {
  return fmaf(v.w, v.w, fmaf(v.z, v.z, fmaf(v.y, v.y, fmaf(v.x, v.x, sum))));
}

__device__ inline float4 normalized(const float4& v, float factor, const float4& w, float offset) {
  return {v.x * factor * (offset + w.x), v.y * factor * (offset + w.y), v.z * factor * (offset + w.z),
          v.w * factor * (offset + w.w)};
}

/// Fours of columns that a thread with no other work holds in registers between the sum and the writing.
inline constexpr int most_held_quads = 8;

/// Quads `first`, `first` + preparing_threads, ...; zeros beyond the last.
template <int held>
__device__ void load_quads(const float4* from, int first, int quads, float4 (&values)[held]) {
#pragma unroll
  for (int j = 0; j < held; ++j) {
    const int quad = first + j * static_cast<int>(preparing_threads);
    values[j] = quad < quads ? from[quad] : float4{0, 0, 0, 0};
  }
}

template <int held>
__device__ float add_squares(float sum, const float4 (&values)[held]) {
#pragma unroll
  for (int j = 0; j < held; ++j) sum = add_squares(sum, values[j]);
  return sum;
}

/// What the row is multiplied with; `values` are its first quads.
template <int held>
__device__ float norm_factor(const RowSource& row, const float4* x, const float4 (&values)[held], float* scratch) {
  constexpr int turn = held * static_cast<int>(preparing_threads);
  float squares = add_squares(0.0F, values);
#pragma unroll 1
  for (int first = static_cast<int>(threadIdx.x) + turn; first < row.columns / 4; first += turn) {
    float4 more[held];
    load_quads(x, first, row.columns / 4, more);
    squares = add_squares(squares, more);
  }
  return 1.0F / sqrtf(block_sum<preparing_threads>(squares, scratch) / static_cast<float>(row.columns) + row.epsilon);
}

/// Waits for the earlier kernels, which the row comes from; the norm's weights are loaded before. `write(quad, values)`
/// gets four values at a time. Rows of more than `held` quads per thread are prepared in turns after the sum, and read
/// again. Precondition: preparing_threads threads; `scratch` is shared memory for one float per warp.
template <int held = most_held_quads, class Write>
__device__ void prepare_row(const RowSource& row, float* scratch, const Write& write) {
  constexpr int stride = static_cast<int>(preparing_threads);
  const auto* const w = reinterpret_cast<const float4*>(row.norm);
  const int quads = row.columns / 4;
  int first = static_cast<int>(threadIdx.x);
  float4 weights[held] = {};
  if (w != nullptr) load_quads(w, first, quads, weights);
  ptx::wait_for_earlier_kernels();
  const std::int64_t skipped = row.picked == nullptr ? 0 : static_cast<std::int64_t>(*row.picked) * row.columns;
  const auto* const x = reinterpret_cast<const float4*>(row.values + skipped);
  float4 values[held];
  load_quads(x, first, quads, values);
  const float factor = w != nullptr ? norm_factor(row, x, values, scratch) : 1.0F;
#pragma unroll 1
  while (true) {
#pragma unroll
    for (int j = 0; j < held; ++j) {
      const int quad = first + j * stride;
      if (quad >= quads) break;
      write(quad, w != nullptr ? normalized(values[j], factor, weights[j], row.norm_offset) : values[j]);
    }
    first += held * stride;
    if (first >= quads) return;
    load_quads(x, first, quads, values);
    if (w != nullptr) load_quads(w, first, quads, weights);
  }
}

}  // namespace quantscope::cuda
