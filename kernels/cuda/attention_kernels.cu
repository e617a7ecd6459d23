// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/attention_kernels.h"

#include <algorithm>
#include <cmath>

#include "kernels/cuda/attention_partials.h"
#include "kernels/cuda/attention_sight.h"
#include "kernels/cuda/block_reduce.h"
#include "kernels/cuda/kv_storage.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::cuda {
namespace {
constexpr int attention_threads = static_cast<int>(attention_chunk);
constexpr int attention_warps = attention_threads / static_cast<int>(lanes_per_warp);
/// Queries of one key head that a block works on.
constexpr int queries_per_block = 8;
/// Blocks that a multiprocessor is to hold. Left to itself, the compiler aims at one more and spills registers for it.
constexpr int blocks_at_once = 6;
/// Values that a thread loads before it uses the first.
constexpr int loads_ahead = 8;
// Rows of generation leave most of the GPU idle unless positions are shared among blocks.
constexpr std::int64_t most_rows_with_chunks = 16;

/// What a block works on: some rows of one sequence, whose heads share keys. Query s is head s % heads of row s /
/// heads.
struct Work {
  RowLocation location;  // of the first row
  int row = 0;           // number in the batch
  int kv_head = 0;
  int first_head = 0;
  int heads = 0;
  int queries = 0;
  int first_position = 0;  // that any row sees
  int end_position = 0;
};

__device__ Work block_work(const AttentionArguments& a) {
  Work work;
  const int group = static_cast<int>(a.batch.heads / a.cache.kv_heads);
  const int parts = (group + queries_per_block - 1) / queries_per_block;
  const int part = static_cast<int>(blockIdx.y) % parts;
  work.row = static_cast<int>(blockIdx.x * a.rows_per_block);
  work.location = a.batch.locations[work.row];
  work.kv_head = static_cast<int>(blockIdx.y) / parts;
  work.first_head = work.kv_head * group + part * queries_per_block;
  work.heads = min(queries_per_block, group - part * queries_per_block);
  const int rows = min(static_cast<int>(a.rows_per_block), static_cast<int>(a.batch.count) - work.row);
  work.queries = rows * work.heads;
  work.first_position = sight_of(a.window, work.location.position).first;
  work.end_position = sight_of(a.window, work.location.position + rows - 1).end;
  return work;
}

/// Where query s lies among [rows, heads].
__device__ std::int64_t query_index(const AttentionArguments& a, const Work& work, int s) {
  return (work.location.row + s / work.heads) * a.batch.heads + work.first_head + s % work.heads;
}

/// Shared memory of a block.
struct Shared {
  float* q;            // [queries_per_block, head_dim]
  float* weights;      // [queries_per_block, attention_chunk]
  float* sums;         // [attention_threads, 2 * queries_per_block]
  float* state;        // [queries_per_block, head_dim]: sums of values so far
  float* maxima;       // [queries_per_block] of the chunk
  float* totals;       // [queries_per_block] of the chunk
  Running* running;    // [queries_per_block] up to the chunk and with it
  Join* joins;         // [queries_per_block] of the chunk
  std::int64_t* keys;  // [attention_chunk]: where the key of each position lies

  __device__ Shared(void* memory, int head_dim) {
    keys = static_cast<std::int64_t*>(memory);
    q = reinterpret_cast<float*>(keys + attention_chunk);
    weights = q + queries_per_block * head_dim;
    sums = weights + queries_per_block * attention_chunk;
    state = sums + attention_threads * 2 * queries_per_block;
    maxima = state + queries_per_block * head_dim;
    totals = maxima + queries_per_block;
    running = reinterpret_cast<Running*>(totals + queries_per_block);
    joins = reinterpret_cast<Join*>(running + queries_per_block);
  }
  static std::size_t bytes(std::int64_t head_dim) {
    return static_cast<std::size_t>(8 * attention_chunk +
                                    4 * (2 * queries_per_block * head_dim + queries_per_block * attention_chunk +
                                         attention_threads * 2 * queries_per_block + 6 * queries_per_block));
  }
};

/// The thread's position of a chunk: scores of all queries, -infinity where the row does not see it.
template <class Storage, int fixed_dim>
__device__ void score_position(const AttentionArguments& a, const Work& work, int position, const Shared& shared) {
  const int head_dim = fixed_dim > 0 ? fixed_dim : static_cast<int>(a.cache.head_dim);
  const bool visible = position >= work.first_position && position < work.end_position;
  float scores[queries_per_block] = {};
  const std::int64_t key = visible ? key_index(a.cache, a.batch, work.location, position, work.kv_head) : 0;
  shared.keys[threadIdx.x] = key;
  const auto* const k = static_cast<const typename Storage::Type*>(a.cache.data) + key;
  const int whole = visible && head_dim % 8 == 0 ? head_dim : 0;  // then keys are aligned to 16 bytes
#pragma unroll 4
  for (int d = 0; d < whole; d += 8) {
    float values[8];
    Storage::load_eight(k + d, values);
#pragma unroll
    for (int s = 0; s < queries_per_block; ++s) {
      if (s >= work.queries) continue;
      const auto* const q = reinterpret_cast<const float4*>(shared.q + s * head_dim + d);
      const float4 low = q[0];
      const float4 high = q[1];
      scores[s] =
          fmaf(low.w, values[3], fmaf(low.z, values[2], fmaf(low.y, values[1], fmaf(low.x, values[0], scores[s]))));
      scores[s] =
          fmaf(high.w, values[7], fmaf(high.z, values[6], fmaf(high.y, values[5], fmaf(high.x, values[4], scores[s]))));
    }
  }
  for (int d = whole; visible && d < head_dim; ++d) {
    const float value = Storage::load(k + d);
#pragma unroll
    for (int s = 0; s < queries_per_block; ++s) {
      if (s < work.queries) scores[s] = fmaf(shared.q[s * head_dim + d], value, scores[s]);
    }
  }
#pragma unroll
  for (int s = 0; s < queries_per_block; ++s) {
    if (s >= work.queries) continue;
    float score = scores[s] * a.scale;
    if (a.soft_cap != 0.0F) score = a.soft_cap * tanhf(score / a.soft_cap);
    const bool seen = visible && sight_of(a.window, work.location.position + s / work.heads).sees(position);
    shared.weights[s * attention_chunk + threadIdx.x] = seen ? score : -INFINITY;
  }
}

/// Turns scores into exponentials, with the maximum and the sum of each query; of a chunk that a row does not see at
/// all the maximum is -infinity and the exponentials are 0.
__device__ void weigh(const Work& work, const Shared& shared) {
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  for (int h = static_cast<int>(threadIdx.x / lanes_per_warp); h < work.queries; h += attention_warps) {
    float* const weights = shared.weights + h * attention_chunk;
    float maximum = -INFINITY;
    for (int p = lane; p < attention_chunk; p += lanes_per_warp) maximum = fmaxf(maximum, weights[p]);
    maximum = warp_max(maximum);
    float sum = 0.0F;
    for (int p = lane; p < attention_chunk; p += lanes_per_warp) {
      const float weight = maximum == -INFINITY ? 0.0F : expf(weights[p] - maximum);
      weights[p] = weight;
      sum += weight;
    }
    sum = warp_sum(sum);
    if (lane == 0) {
      shared.maxima[h] = maximum;
      shared.totals[h] = sum;
    }
  }
}

/// Sums of the chunk's values, weighted: each thread takes two dimensions of some positions.
template <class Storage, int fixed_dim>
__device__ void sum_values(const AttentionArguments& a, const Work& work, int first, int end, const Shared& shared) {
  const int head_dim = fixed_dim > 0 ? fixed_dim : static_cast<int>(a.cache.head_dim);
  const int pairs = (head_dim + 1) / 2;
  const int parts = attention_threads / pairs;
  const int part = static_cast<int>(threadIdx.x) / pairs;
  const int d = static_cast<int>(threadIdx.x) % pairs * 2;
  float sums[2 * queries_per_block] = {};
  const auto* const values = static_cast<const typename Storage::Type*>(a.cache.data) + value_offset(a.cache) + d;
  const int stride = parts * loads_ahead;
  // Which thread takes which position does not depend on the row's window, so that neither do the sums.
  for (int p0 = part; part < parts && p0 < end; p0 += stride) {
    float2 loaded[loads_ahead];
#pragma unroll
    for (int i = 0; i < loads_ahead; ++i) {
      const int p = p0 + i * parts;
      loaded[i] = p >= first && p < end
                      ? Storage::load_two(values + shared.keys[p], head_dim % 2 == 0, d + 1 < head_dim)
                      : float2{0.0F, 0.0F};
    }
#pragma unroll
    for (int i = 0; i < loads_ahead; ++i) {
      const int p = p0 + i * parts;
      if (p < first || p >= end) continue;
#pragma unroll
      for (int s = 0; s < queries_per_block; ++s) {
        if (s >= work.queries) continue;
        const float weight = shared.weights[s * attention_chunk + p];
        sums[2 * s] = fmaf(weight, loaded[i].x, sums[2 * s]);
        sums[2 * s + 1] = fmaf(weight, loaded[i].y, sums[2 * s + 1]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 2 * queries_per_block; ++i) shared.sums[i * attention_threads + threadIdx.x] = sums[i];
}

/// The chunk's sum for dimension d of query s, in the order of the parts.
__device__ float chunk_sum(const Shared& shared, int head_dim, int s, int d) {
  const int pairs = (head_dim + 1) / 2;
  const float* const at = shared.sums + (2 * s + d % 2) * attention_threads + d / 2;
  float sum = 0.0F;
  for (int part = 0; part < attention_threads / pairs; ++part) sum += at[part * pairs];
  return sum;
}

/// Fetches the key and the value of the thread's position into the L2 cache. What earlier passes have stored can be on
/// its way before the earlier kernels of this pass have finished.
template <class Storage>
__device__ void prefetch_position(const AttentionArguments& a, const Work& work, int position) {
  if (position < work.first_position || position >= work.end_position) return;
  constexpr int line = 128 / static_cast<int>(sizeof(typename Storage::Type));
  const auto* const key = static_cast<const typename Storage::Type*>(a.cache.data) +
                          key_index(a.cache, a.batch, work.location, position, work.kv_head);
  for (int d = 0; d < static_cast<int>(a.cache.head_dim); d += line) {
    ptx::prefetch(key + d);
    ptx::prefetch(key + value_offset(a.cache) + d);
  }
}

template <class Storage, int fixed_dim>
__device__ void weigh_chunk(const AttentionArguments& a, const Work& work, int chunk, const Shared& shared) {
  score_position<Storage, fixed_dim>(a, work, chunk * attention_threads + static_cast<int>(threadIdx.x), shared);
  __syncthreads();
  weigh(work, shared);
  __syncthreads();
}

template <class Storage, int fixed_dim>
__device__ void sum_chunk(const AttentionArguments& a, const Work& work, int chunk, const Shared& shared) {
  const int begin = chunk * attention_threads;
  const int first = max(0, work.first_position - begin);
  const int end = min(attention_threads, work.end_position - begin);
  sum_values<Storage, fixed_dim>(a, work, first, end, shared);
  __syncthreads();
}

__device__ void load_queries(const AttentionArguments& a, const Work& work, const Shared& shared) {
  const int head_dim = static_cast<int>(a.cache.head_dim);
  for (int i = static_cast<int>(threadIdx.x); i < work.queries * head_dim; i += attention_threads) {
    shared.q[i] = a.q[query_index(a, work, i / head_dim) * head_dim + i % head_dim];
  }
  __syncthreads();
}

/// All positions of some queries per block.
template <class Storage, int fixed_dim>
__global__ void __launch_bounds__(attention_threads, blocks_at_once)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
  const int head_dim = fixed_dim > 0 ? fixed_dim : static_cast<int>(a.cache.head_dim);
  const Shared shared(ptx::dynamic_shared_memory(), head_dim);
  ptx::let_next_kernel_start();
  const Work work = block_work(a);
  ptx::wait_for_earlier_kernels();
  load_queries(a, work, shared);
  const int values = work.queries * head_dim;
  for (int i = static_cast<int>(threadIdx.x); i < values; i += attention_threads) shared.state[i] = 0.0F;
  // In shared memory, because sixteen registers of every thread for it would be spilled.
  const int own = static_cast<int>(threadIdx.x);
  if (own < work.queries) shared.running[own] = {};
  for (int chunk = work.first_position / attention_threads; chunk * attention_threads < work.end_position; ++chunk) {
    weigh_chunk<Storage, fixed_dim>(a, work, chunk, shared);
    if (own < work.queries && shared.maxima[own] != -INFINITY) {
      shared.joins[own] = join_chunk(shared.running[own], shared.maxima[own], shared.totals[own]);
    }
    sum_chunk<Storage, fixed_dim>(a, work, chunk, shared);
    for (int s = 0; s < work.queries; ++s) {
      if (shared.maxima[s] == -INFINITY) continue;
      const Join join = shared.joins[s];
      for (int d = static_cast<int>(threadIdx.x); d < head_dim; d += attention_threads) {
        float& value = shared.state[s * head_dim + d];
        value = fmaf(value, join.before, chunk_sum(shared, head_dim, s, d) * join.chunk);
      }
    }
    __syncthreads();
  }
  for (int s = 0; s < work.queries; ++s) {
    float* const output = a.output + query_index(a, work, s) * head_dim;
    for (int d = static_cast<int>(threadIdx.x); d < head_dim; d += attention_threads) {
      output[d] = shared.state[s * head_dim + d] / shared.running[s].total;
    }
  }
}

/// The same for one chunk per block, of one row. Each stores its maximum, total and sums, the last one combines them.
template <class Storage, int fixed_dim>
__global__ void __launch_bounds__(attention_threads, blocks_at_once)
    chunk_kernel(const __grid_constant__ AttentionArguments a) {
  const int head_dim = fixed_dim > 0 ? fixed_dim : static_cast<int>(a.cache.head_dim);
  const Shared shared(ptx::dynamic_shared_memory(), head_dim);
  const int chunk = static_cast<int>(blockIdx.z);
  ptx::let_next_kernel_start();
  const Work work = block_work(a);
  const Chunks chunks{work.first_position / attention_threads,
                      (work.end_position + attention_threads - 1) / attention_threads};
  if (chunk < chunks.first || chunk >= chunks.end) return;
  prefetch_position<Storage>(a, work, chunk * attention_threads + static_cast<int>(threadIdx.x));
  ptx::wait_for_earlier_kernels();
  load_queries(a, work, shared);
  weigh_chunk<Storage, fixed_dim>(a, work, chunk, shared);
  sum_chunk<Storage, fixed_dim>(a, work, chunk, shared);
  for (int i = static_cast<int>(threadIdx.x); i < work.heads * head_dim; i += attention_threads) {
    const int s = i / head_dim;
    partial_at(a, work.row, work.first_head + s, chunk)[i % head_dim] = chunk_sum(shared, head_dim, s, i % head_dim);
  }
  if (static_cast<int>(threadIdx.x) < work.heads) {
    float* const partial = partial_at(a, work.row, work.first_head + static_cast<int>(threadIdx.x), chunk);
    partial[head_dim] = shared.maxima[threadIdx.x];
    partial[head_dim + 1] = shared.totals[threadIdx.x];
  }
  if (!is_last_block(a, work.row, chunks)) return;
  for (int i = static_cast<int>(threadIdx.x); i < work.heads * head_dim; i += attention_threads) {
    const int head = work.first_head + i / head_dim;
    const int d = i % head_dim;
    a.output[(work.location.row * a.batch.heads + head) * head_dim + d] = combine_chunks(a, work.row, head, d, chunks);
  }
}

template <class Storage, int fixed_dim>
cudaError_t attend_sized(cudaStream_t stream, AttentionArguments arguments) {
  const std::int64_t group = arguments.batch.heads / arguments.cache.kv_heads;
  const bool in_chunks = arguments.chunks > 1;
  arguments.rows_per_block =
      arguments.one_sequence && !in_chunks ? std::max<std::int64_t>(1, queries_per_block / group) : 1;
  Blocks blocks;
  blocks.x = (arguments.batch.count + arguments.rows_per_block - 1) / arguments.rows_per_block;
  blocks.y = attention_head_groups(arguments.batch.heads, arguments.cache.kv_heads);
  blocks.threads = attention_threads;
  blocks.shared_bytes = Shared::bytes(arguments.cache.head_dim);
  blocks.overlapped = true;
  if (!in_chunks) return launch_blocks(stream, blocks, attention_kernel<Storage, fixed_dim>, arguments);
  blocks.z = arguments.chunks;
  return launch_blocks(stream, blocks, chunk_kernel<Storage, fixed_dim>, arguments);
}

template <class Storage>
cudaError_t attend_stored(cudaStream_t stream, const AttentionArguments& arguments) {
  switch (arguments.cache.head_dim) {
    case 64: return attend_sized<Storage, 64>(stream, arguments);
    case 128: return attend_sized<Storage, 128>(stream, arguments);
    default: return attend_sized<Storage, 0>(stream, arguments);
  }
}
}  // namespace

std::int64_t attention_chunks(std::int64_t rows, std::int64_t positions) {
  return rows <= most_rows_with_chunks ? (positions + attention_chunk - 1) / attention_chunk : 1;
}

std::int64_t attention_head_groups(std::int64_t heads, std::int64_t kv_heads) {
  const std::int64_t group = heads / kv_heads;
  return kv_heads * ((group + queries_per_block - 1) / queries_per_block);
}

std::int64_t largest_attention_arrivals(std::int64_t rows, std::int64_t heads, std::int64_t kv_heads) {
  return std::min(rows, most_rows_with_chunks) * attention_head_groups(heads, kv_heads);
}

std::int64_t largest_attention_parts(std::int64_t rows, std::int64_t positions) {
  const std::int64_t split = std::min(rows, most_rows_with_chunks);
  const std::int64_t chunks = attention_chunks(split, positions);
  return chunks > 1 ? split * chunks : 0;
}

cudaError_t attend(cudaStream_t stream, const AttentionArguments& arguments) {
  switch (arguments.cache.type) {
    case DataType::fp16: return attend_stored<Fp16Storage>(stream, arguments);
    case DataType::bf16: return attend_stored<Bf16Storage>(stream, arguments);
    default: return attend_stored<Fp32Storage>(stream, arguments);
  }
}

}  // namespace quantscope::cuda
