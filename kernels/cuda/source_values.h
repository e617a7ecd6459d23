// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/half.h"

/// Source values as a checkpoint stores them, read 16 bytes at a time.
namespace quantscope::cuda {

struct Fp32Source {
  using Stored = float;
  __device__ static float value(float stored) { return stored; }
};
struct Fp16Source {
  using Stored = std::uint16_t;
  __device__ static float value(std::uint16_t stored) { return fp16_to_fp32(stored); }
};
struct Bf16Source {
  using Stored = std::uint16_t;
  __device__ static float value(std::uint16_t stored) { return bf16_to_fp32(stored); }
};

inline constexpr int values_per_load = 8;

struct EightValues {
  float at[values_per_load];
};

/// Values [first, first + 8) of `values`; 0 from `end` on. Loads are of 16 bytes when `aligned`: `values` then is
/// aligned to 16 and first a multiple of 8.
template <class Source>
__device__ EightValues load_eight(const void* values, std::int64_t first, std::int64_t end, bool aligned) {
  using Stored = typename Source::Stored;
  const Stored* const from = static_cast<const Stored*>(values) + first;
  constexpr int per_vector = 16 / sizeof(Stored);
  EightValues result{};
  if (!aligned || first + values_per_load > end) {
    for (int i = 0; i < values_per_load; ++i) {
      if (first + i < end) result.at[i] = Source::value(from[i]);
    }
    return result;
  }
  for (int v = 0; v < values_per_load / per_vector; ++v) {
    const uint4 vector = reinterpret_cast<const uint4*>(from)[v];
    const std::uint32_t words[4] = {vector.x, vector.y, vector.z, vector.w};
    for (int i = 0; i < per_vector; ++i) {
      if constexpr (sizeof(Stored) == 4) {
        result.at[v * per_vector + i] = float_from_bits(words[i]);
      } else {
        result.at[i] = Source::value(static_cast<std::uint16_t>(words[i / 2] >> 16 * (i % 2)));
      }
    }
  }
  return result;
}

/// The largest of `value` over groups of `lanes` lanes (a power of two), for all of them. The whole warp must come. No
/// NaN.
__device__ inline float largest_of_lanes(float value, int lanes) {
  for (int step = lanes / 2; step > 0; step /= 2) {
    const float other = __shfl_xor_sync(0xFFFFFFFFU, value, step);
    value = other > value ? other : value;
  }
  return value;
}

}  // namespace quantscope::cuda
