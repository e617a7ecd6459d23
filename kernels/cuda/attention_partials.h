// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "kernels/cuda/attention_kernels.h"

/// What attention_kernels.cu knows of a row's softmax after some of its chunks: how one more joins it, in one block or
/// from several that share the row.
namespace quantscope::cuda {

/// A softmax that is known up to some position.
struct Running {
  float maximum = -INFINITY;
  float total = 0.0F;
};

/// The factors that join a chunk to what came before.
struct Join {
  float before, chunk;
};

/// Makes the chunk part of `running`.
__device__ inline Join join_chunk(Running& running, float maximum, float total) {
  const float joint = fmaxf(running.maximum, maximum);
  const Join join{expf(running.maximum - joint), expf(maximum - joint)};
  running = {joint, fmaf(running.total, join.before, total * join.chunk)};
  return join;
}

/// The chunks of a row: from the first that it sees to the one before `end`.
struct Chunks {
  int first = 0;
  int end = 0;
};

/// Where the block of a chunk leaves sums [head_dim], maximum and total of a row's head.
__device__ inline float* partial_at(const AttentionArguments& a, std::int64_t row, std::int64_t head,
                                    std::int64_t chunk) {
  return a.partials + ((row * a.batch.heads + head) * a.chunks + chunk) * (a.cache.head_dim + 2);
}

/// Whether this is the last block to come here of those that share the row and its heads: then all have stored.
__device__ inline bool is_last_block(const AttentionArguments& a, std::int64_t row, const Chunks& chunks) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    const auto others = static_cast<unsigned>(chunks.end - chunks.first - 1);
    // Back at 0 after the last, as the next launch needs it.
    last = atomicInc(a.arrivals + row * gridDim.y + blockIdx.y, others) == others;
  }
  __syncthreads();
  return last;
}

/// The output of a head and dimension from what the blocks stored, in the order of the chunks. Past the L1 cache, which
/// may hold what the partials were before.
__device__ inline float combine_chunks(const AttentionArguments& a, std::int64_t row, int head, int d,
                                       const Chunks& chunks) {
  Running running;
  float value = 0.0F;
  for (int chunk = chunks.first; chunk < chunks.end; ++chunk) {
    const float* const partial = partial_at(a, row, head, chunk);
    const float* const state = partial + a.cache.head_dim;
    const Join join = join_chunk(running, __ldcg(state), __ldcg(state + 1));
    value = fmaf(value, join.before, __ldcg(partial + d) * join.chunk);
  }
  return value / running.total;
}

}  // namespace quantscope::cuda
