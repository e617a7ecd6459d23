// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// Sums and searches over the threads of a block, in an order that depends on nothing but the number of threads.
namespace quantscope::cuda {

inline constexpr unsigned lanes_per_warp = 32;

/// The sum of all lanes' values, the same in every lane.
__device__ inline float warp_sum(float value) {
  for (unsigned distance = lanes_per_warp / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFU, value, static_cast<int>(distance));
  }
  return value;
}

__device__ inline float warp_max(float value) {
  for (unsigned distance = lanes_per_warp / 2; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, static_cast<int>(distance)));
  }
  return value;
}

/// The sum of the values of a block of so many threads, the same in every thread. `scratch` is shared memory for one
/// float per warp, free before the call and in use until the block's next barrier.
template <unsigned threads>
__device__ float block_sum(float value, float* scratch) {
  value = warp_sum(value);
  if (threadIdx.x % lanes_per_warp == 0) scratch[threadIdx.x / lanes_per_warp] = value;
  __syncthreads();
  float sum = 0.0F;
  for (unsigned warp = 0; warp < threads / lanes_per_warp; ++warp) sum += scratch[warp];
  return sum;
}

}  // namespace quantscope::cuda
