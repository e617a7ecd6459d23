// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/block_reduce.h"

/// How a row of activations becomes the input of a linear: normalized, if it is to be, and handed to a writer that
/// rounds it. Every kernel that does so calls prepare_row(), so that all get the same bits.
namespace quantscope::cuda {

/// Threads of every block that prepares a row: the order of the sum depends on it.
inline constexpr unsigned preparing_threads = 256;

/// One input row and its RMSNorm. `columns` is a multiple of 4, memory is aligned to 16 bytes.
struct RowSource {
  const float* values = nullptr;
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

/// prepare_row() with so many quads per thread at a time.
template <int held, class Write>
__device__ void prepare_in_turns(const RowSource& row, float* scratch, const Write& write) {
  const auto* const x = reinterpret_cast<const float4*>(row.values);
  const auto* const w = reinterpret_cast<const float4*>(row.norm);
  const int quads = row.columns / 4;
  float factor = 1.0F;
  float squares = 0.0F;
  for (int first = static_cast<int>(threadIdx.x); first < quads || first < static_cast<int>(preparing_threads);
       first += held * static_cast<int>(preparing_threads)) {
    float4 values[held];
#pragma unroll
    for (int j = 0; j < held; ++j) {
      const int quad = first + j * static_cast<int>(preparing_threads);
      values[j] = quad < quads ? x[quad] : float4{0, 0, 0, 0};
    }
    if (w != nullptr && first == static_cast<int>(threadIdx.x)) {
#pragma unroll
      for (int j = 0; j < held; ++j) squares = add_squares(squares, values[j]);
      for (int quad = first + held * static_cast<int>(preparing_threads); quad < quads;
           quad += static_cast<int>(preparing_threads)) {
        squares = add_squares(squares, x[quad]);
      }
      factor = 1.0F / sqrtf(block_sum(squares, scratch) / static_cast<float>(row.columns) + row.epsilon);
    }
#pragma unroll
    for (int j = 0; j < held; ++j) {
      const int quad = first + j * static_cast<int>(preparing_threads);
      if (quad < quads) write(quad, w != nullptr ? normalized(values[j], factor, w[quad], row.norm_offset) : values[j]);
    }
  }
}

/// `write(quad, values)` gets four values at a time. Rows of more than `held` quads per thread are prepared in turns
/// after the sum, and read again. Precondition: preparing_threads threads; `scratch` is shared memory for one float per
/// warp.
template <int held = most_held_quads, class Write>
__device__ void prepare_row(const RowSource& row, float* scratch, const Write& write) {
  constexpr int short_quads = 2;  // the order of the sum is the same
  if (row.columns <= short_quads * 4 * static_cast<int>(preparing_threads)) {
    prepare_in_turns<short_quads>(row, scratch, write);
  } else {
    prepare_in_turns<held>(row, scratch, write);
  }
}

}  // namespace quantscope::cuda
