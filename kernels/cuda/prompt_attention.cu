// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/prompt_attention.h"

#include <cmath>

#include "kernels/cuda/attention_sight.h"
#include "kernels/cuda/block_reduce.h"
#include "kernels/cuda/compute_type.h"
#include "kernels/cuda/kv_storage.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::cuda {
namespace {
constexpr int block_warps = 4;
constexpr int block_threads = block_warps * static_cast<int>(lanes_per_warp);
/// Queries of a warp: the rows of m16n8k16. Lane i holds scores and sums of queries i / 4 and i / 4 + 8.
constexpr int warp_queries = 16;
constexpr int block_queries = block_warps * warp_queries;
constexpr float log2_of_e = 1.44269504F;
/// Shared memory that a block may ask for on every GPU since compute capability 8.0 (8.6, 8.9 and 12.0 have least).
constexpr std::size_t most_shared_bytes = std::size_t{99} << 10;

/// What follows from the head size, filled up to `dim` with zeros.
template <int dim>
struct Sizes {
  static constexpr int keys = dim <= 128 ? 64 : 32;  ///< positions of a stage
  static constexpr int pieces = dim / 8;             ///< of 16 bytes, of a key or a value
  /// Elements from one position to the next: an odd number of pieces, so that eight rows at the same column lie in
  /// different banks.
  static constexpr int stride = dim + 8;
  static constexpr int stage = 2 * keys * stride;  ///< elements of keys, then of values
  /// Larger heads leave no room for queries in registers.
  static constexpr bool queries_in_registers = dim <= 128;
  static constexpr std::size_t shared_bytes = 2 * (2 * stage + (queries_in_registers ? 0 : block_queries * dim));
  static_assert(shared_bytes <= most_shared_bytes && dim % 16 == 0);
  /// Blocks that the registers of a multiprocessor are enough for without spilling any.
  static constexpr int blocks_at_once = dim <= 64 ? 3 : 2;
};

/// What a block works on: queries of one key head. Query s of a tile is head s % group of row s / group.
struct Work {
  PromptTile tile;
  int kv_head = 0;
  int group = 1;  // heads per key head
  int first_query = 0;
  int end_query = 0;
  int first_position = 0;  // that any query sees
  int end_position = 0;

  __device__ std::int64_t position(int query) const { return tile.first.position + query / group; }
};

__device__ Work block_work(const PromptAttentionArguments& a) {
  Work work;
  // The last tiles see most positions: they begin first.
  work.tile = a.tiles[gridDim.x - 1 - blockIdx.x];
  work.kv_head = static_cast<int>(blockIdx.y);
  work.group = static_cast<int>(a.batch.heads / a.cache.kv_heads);
  work.first_query = static_cast<int>(blockIdx.z) * block_queries;
  work.end_query = min(work.first_query + block_queries, static_cast<int>(work.tile.rows) * work.group);
  if (work.first_query >= work.end_query) return work;
  work.first_position = sight_of(a.window, work.position(work.first_query)).first;
  work.end_position = sight_of(a.window, work.position(work.end_query - 1)).end;
  return work;
}

/// What a warp's queries see.
struct WarpSight {
  Sight first{0, 0}, last{0, 0};  // empty where the warp has no queries

  __device__ WarpSight(const PromptAttentionArguments& a, const Work& work) {
    const int first_query = work.first_query + static_cast<int>(threadIdx.x / lanes_per_warp) * warp_queries;
    if (first_query >= work.end_query) return;
    first = sight_of(a.window, work.position(first_query));
    last = sight_of(a.window, work.position(min(first_query + warp_queries, work.end_query) - 1));
  }
  __device__ bool some(int begin, int end) const { return begin < last.end && end > first.first; }
  __device__ bool all(int begin, int end) const { return begin >= last.first && end <= first.end; }
};

/// Number of the first of a lane's two queries; the other is 8 further.
__device__ int lane_query(const Work& work) {
  const int warp = static_cast<int>(threadIdx.x / lanes_per_warp);
  return work.first_query + warp * warp_queries + static_cast<int>(threadIdx.x % lanes_per_warp) / 4;
}

/// Where a query lies among [rows, heads, head_dim], and its output; -1 where there is none.
__device__ std::int64_t query_offset(const PromptAttentionArguments& a, const Work& work, int query) {
  if (query >= work.end_query) return -1;
  const std::int64_t head = work.kv_head * work.group + query % work.group;
  return ((work.tile.first.row + query / work.group) * a.batch.heads + head) * a.cache.head_dim;
}

/// What the two queries of a lane see.
struct LaneSights {
  Sight of[2];

  __device__ LaneSights(const PromptAttentionArguments& a, const Work& work) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int query = lane_query(work) + 8 * h;
      of[h] = query < work.end_query ? sight_of(a.window, work.position(query)) : Sight{0, 0};
    }
  }
};

/// The left operands of the products with the keys.
template <class Compute, int dim>
class Queries {
 public:
  static constexpr int steps = dim / 16;

  /// `shared` has room for the fragments of the block; every lane reads only what it wrote.
  __device__ Queries(const PromptAttentionArguments& a, const Work& work, uint4* shared)
      : shared_(shared + threadIdx.x) {
    const int query = lane_query(work);
    const std::int64_t offsets[2] = {query_offset(a, work, query), query_offset(a, work, query + 8)};
#pragma unroll
    for (int step = 0; step < steps; ++step) {
      std::uint32_t fragment[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = 16 * step + 8 * (i / 2) + 2 * static_cast<int>(threadIdx.x % 4);
        float2 pair{0.0F, 0.0F};
        if (offsets[i % 2] >= 0 && column < a.cache.head_dim) {
          pair = *reinterpret_cast<const float2*>(a.q + offsets[i % 2] + column);
        }
        fragment[i] = Compute::pack(pair.x, pair.y);
        if constexpr (Sizes<dim>::queries_in_registers) kept_[step][i] = fragment[i];
      }
      if constexpr (!Sizes<dim>::queries_in_registers) {
        shared_[step * block_threads] = {fragment[0], fragment[1], fragment[2], fragment[3]};
      }
    }
  }

  __device__ void get(int step, std::uint32_t (&fragment)[4]) const {
    if constexpr (Sizes<dim>::queries_in_registers) {
#pragma unroll
      for (int i = 0; i < 4; ++i) fragment[i] = kept_[step][i];
    } else {
      const uint4 words = shared_[step * block_threads];
      fragment[0] = words.x, fragment[1] = words.y, fragment[2] = words.z, fragment[3] = words.w;
    }
  }

 private:
  uint4* shared_;
  std::uint32_t kept_[Sizes<dim>::queries_in_registers ? steps : 1][4];
};

/// Begins to copy the keys and values of positions begin ... to shared memory, zeros for those that no query sees.
template <int dim>
__device__ void load_stage(const PromptAttentionArguments& a, const Work& work, int begin, std::uint16_t* stage) {
  using Size = Sizes<dim>;
  constexpr int warp_rows = Size::keys / block_warps;
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  const int first_row = static_cast<int>(threadIdx.x / lanes_per_warp) * warp_rows;
  const auto* const cache = static_cast<const std::uint16_t*>(a.cache.data);
  const std::int64_t to_values = value_offset(a.cache);
  // A lane looks up the page of one row and tells the others.
  const int position = begin + first_row + lane % warp_rows;
  const bool seen = position >= work.first_position && position < work.end_position;
  const std::int64_t own_key = seen ? key_index(a.cache, a.batch, work.tile.first, position, work.kv_head) : -1;
  constexpr int warp_pieces = warp_rows * Size::pieces;
  static_assert(warp_pieces % lanes_per_warp == 0 && warp_rows <= static_cast<int>(lanes_per_warp));
#pragma unroll
  for (int first = 0; first < warp_pieces; first += static_cast<int>(lanes_per_warp)) {
    const int i = first + lane;
    const int row = i / Size::pieces;
    const int column = i % Size::pieces * 8;
    const std::int64_t key = __shfl_sync(0xFFFFFFFFU, own_key, row);
    const bool holds = key >= 0 && column < a.cache.head_dim;
    const std::uint16_t* const from = cache + (holds ? key + column : 0);
    std::uint16_t* const to = stage + (first_row + row) * Size::stride + column;
    ptx::copy_async(to, from, holds ? 16 : 0);
    ptx::copy_async(to + Size::keys * Size::stride, holds ? from + to_values : from, holds ? 16 : 0);
  }
  ptx::commit_copies();
}

/// A warp's softmax as far as it is known, in powers of 2, and its weighted sums of values.
template <int dim>
struct State {
  float sums[dim / 8][4] = {};
  float totals[4] = {};  ///< of the weights: as `sums` of a value that is 1 everywhere
  float maxima[2] = {-INFINITY, -INFINITY};
};

/// Products of the warp's queries with the keys of a stage.
template <class Compute, int dim>
__device__ void multiply_keys(const Queries<Compute, dim>& queries, const std::uint16_t* keys,
                              float (&scores)[Sizes<dim>::keys / 8][4]) {
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  const std::uint16_t* const row = keys + (lane / 16 * 8 + lane % 8) * Sizes<dim>::stride + lane / 8 % 2 * 8;
  // Where queries are not in registers, fewer of them are to be on the way.
  [[maybe_unused]] constexpr int steps_together = Sizes<dim>::queries_in_registers ? Queries<Compute, dim>::steps : 2;
#pragma unroll(steps_together)
  for (int step = 0; step < Queries<Compute, dim>::steps; ++step) {
    std::uint32_t query[4];
    queries.get(step, query);
#pragma unroll
    for (int n = 0; n < Sizes<dim>::keys / 8; n += 2) {
      std::uint32_t both[4];
      ptx::load_matrix(both, row + n * 8 * Sizes<dim>::stride + step * 16);
      const std::uint32_t first[2] = {both[0], both[1]};
      const std::uint32_t second[2] = {both[2], both[3]};
      Compute::mma(scores[n], query, first);
      Compute::mma(scores[n + 1], query, second);
    }
  }
}

/// Scales, caps and masks scores of positions begin ...; the result is to be taken as powers of 2.
template <int tiles>
__device__ void finish_scores(const PromptAttentionArguments& a, const LaneSights& sights, bool all_seen, int begin,
                              float (&scores)[tiles][4]) {
  const float inner = a.soft_cap != 0.0F ? a.scale / a.soft_cap : a.scale * log2_of_e;
#pragma unroll
  for (int i = 0; i < 4 * tiles; ++i) scores[i / 4][i % 4] *= inner;
  if (a.soft_cap != 0.0F) {
    const float outer = a.soft_cap * log2_of_e;
#pragma unroll
    for (int i = 0; i < 4 * tiles; ++i) scores[i / 4][i % 4] = outer * tanhf(scores[i / 4][i % 4]);
  }
  if (all_seen) return;
  const int first = begin + 2 * static_cast<int>(threadIdx.x % 4);
#pragma unroll
  for (int i = 0; i < 4 * tiles; ++i) {
    if (!sights.of[i % 4 / 2].sees(first + i / 4 * 8 + i % 2)) scores[i / 4][i % 4] = -INFINITY;
  }
}

/// Turns scores into exponentials and scales what was summed before to the new maxima. Of a query that sees none of the
/// positions nothing changes.
template <int dim, int tiles>
__device__ void weigh(float (&scores)[tiles][4], State<dim>& state) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float maximum = state.maxima[h];
#pragma unroll
    for (int n = 0; n < tiles; ++n) maximum = fmaxf(maximum, fmaxf(scores[n][2 * h], scores[n][2 * h + 1]));
    maximum = fmaxf(maximum, __shfl_xor_sync(0xFFFFFFFFU, maximum, 1));
    maximum = fmaxf(maximum, __shfl_xor_sync(0xFFFFFFFFU, maximum, 2));
    const float base = maximum == -INFINITY ? 0.0F : maximum;
    const float factor = ptx::exp2_approximate(state.maxima[h] - base);
    state.maxima[h] = maximum;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int n = 0; n < tiles; ++n) scores[n][2 * h + i] = ptx::exp2_approximate(scores[n][2 * h + i] - base);
#pragma unroll
      for (int d = 0; d < dim / 8; ++d) state.sums[d][2 * h + i] *= factor;
      state.totals[2 * h + i] *= factor;
    }
  }
}

/// Adds the values of a stage, weighted.
template <class Compute, int dim>
__device__ void add_values(const std::uint16_t* values, const float (&weights)[Sizes<dim>::keys / 8][4],
                           State<dim>& state) {
  constexpr std::uint32_t ones[2] = {Compute::pair_of_ones, Compute::pair_of_ones};
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  const std::uint16_t* const row = values + lane % 16 * Sizes<dim>::stride + lane / 16 * 8;
#pragma unroll
  for (int n = 0; n < Sizes<dim>::keys / 8; n += 2) {
    // The sums of two products lie as the left operand of the next.
    const std::uint32_t weight[4] = {
        Compute::pack(weights[n][0], weights[n][1]), Compute::pack(weights[n][2], weights[n][3]),
        Compute::pack(weights[n + 1][0], weights[n + 1][1]), Compute::pack(weights[n + 1][2], weights[n + 1][3])};
    Compute::mma(state.totals, weight, ones);
#pragma unroll
    for (int d = 0; d < dim / 8; d += 2) {
      std::uint32_t both[4];
      ptx::load_matrix_transposed(both, row + n * 8 * Sizes<dim>::stride + d * 8);
      const std::uint32_t first[2] = {both[0], both[1]};
      const std::uint32_t second[2] = {both[2], both[3]};
      Compute::mma(state.sums[d], weight, first);
      Compute::mma(state.sums[d + 1], weight, second);
    }
  }
}

template <int dim>
__device__ void store_results(const PromptAttentionArguments& a, const Work& work, const State<dim>& state) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const std::int64_t offset = query_offset(a, work, lane_query(work) + 8 * h);
    if (offset < 0) continue;
    const float factor = 1.0F / state.totals[2 * h];
#pragma unroll
    for (int d = 0; d < dim / 8; ++d) {
      const int column = 8 * d + 2 * static_cast<int>(threadIdx.x % 4);
      if (column >= a.cache.head_dim) continue;
      *reinterpret_cast<float2*>(a.output + offset + column) = {state.sums[d][2 * h] * factor,
                                                                state.sums[d][2 * h + 1] * factor};
    }
  }
}

template <class Compute, int dim>
__global__ void __launch_bounds__(block_threads, Sizes<dim>::blocks_at_once)
    prompt_attention_kernel(const __grid_constant__ PromptAttentionArguments a) {
  using Size = Sizes<dim>;
  auto* const stages = static_cast<std::uint16_t*>(ptx::dynamic_shared_memory());
  ptx::let_next_kernel_start();
  ptx::wait_for_earlier_kernels();
  const Work work = block_work(a);
  if (work.first_query >= work.end_query) return;
  int begin = work.first_position / Size::keys * Size::keys;
  load_stage<dim>(a, work, begin, stages);
  const WarpSight warp_sight(a, work);
  const LaneSights lane_sights(a, work);
  const Queries<Compute, dim> queries(a, work, reinterpret_cast<uint4*>(stages + 2 * Size::stage));
  State<dim> state;
#pragma unroll 1
  for (int half = 0; begin < work.end_position; begin += Size::keys, half ^= 1) {
    // Also: all have finished with the other half.
    ptx::wait_for_copies<0>();
    __syncthreads();
    const int next = begin + Size::keys;
    if (next < work.end_position) load_stage<dim>(a, work, next, stages + (half ^ 1) * Size::stage);
    if (!warp_sight.some(begin, next)) continue;
    const std::uint16_t* const keys = stages + half * Size::stage;
    float scores[Size::keys / 8][4] = {};
    multiply_keys(queries, keys, scores);
    finish_scores(a, lane_sights, warp_sight.all(begin, next), begin, scores);
    weigh<dim>(scores, state);
    add_values<Compute, dim>(keys + Size::keys * Size::stride, scores, state);
  }
  store_results(a, block_work(a), state);
}

template <class Compute, int dim>
cudaError_t launch_prompts(cudaStream_t stream, const PromptAttentionArguments& arguments) {
  const std::int64_t group = arguments.batch.heads / arguments.cache.kv_heads;
  Blocks blocks;
  blocks.x = arguments.tile_count;
  blocks.y = arguments.cache.kv_heads;
  blocks.z = (prompt_tile_rows * group + block_queries - 1) / block_queries;
  blocks.threads = block_threads;
  blocks.shared_bytes = Sizes<dim>::shared_bytes;
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, prompt_attention_kernel<Compute, dim>, arguments);
}

template <class Compute>
cudaError_t launch_sized(cudaStream_t stream, const PromptAttentionArguments& arguments) {
  if (arguments.cache.head_dim <= 64) return launch_prompts<Compute, 64>(stream, arguments);
  if (arguments.cache.head_dim <= 96) return launch_prompts<Compute, 96>(stream, arguments);
  if (arguments.cache.head_dim <= 128) return launch_prompts<Compute, 128>(stream, arguments);
  static_assert(largest_prompt_head_dim == 256);
  return launch_prompts<Compute, 256>(stream, arguments);
}
}  // namespace

cudaError_t attend_prompts(cudaStream_t stream, const PromptAttentionArguments& arguments) {
  return arguments.cache.type == DataType::bf16 ? launch_sized<Bfloat16Compute>(stream, arguments)
                                                : launch_sized<Float16Compute>(stream, arguments);
}

}  // namespace quantscope::cuda
