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
constexpr int block_warps = prompt_block_warps;
constexpr int block_threads = block_warps * static_cast<int>(lanes_per_warp);
/// A warp's queries come in tiles, the rows of m16n8k16. Of tile t lane i holds scores and sums of queries 16 t + i / 4
/// and 8 further. Fragments of keys and values are read from shared memory once for all tiles.
constexpr int tile_queries = 16;
static_assert(smallest_warp_queries == tile_queries);
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
  static constexpr std::size_t shared_bytes =
      2 * (2 * stage + (queries_in_registers ? 0 : block_warps * tile_queries * dim));
  static_assert(shared_bytes <= most_shared_bytes && dim % 16 == 0);
  /// Blocks that the registers of a multiprocessor are enough for without spilling any.
  static constexpr int blocks_at_once(int tiles) { return dim <= 64 && tiles == 1 ? 3 : 2; }
};

/// What a block works on: queries of one key head. Query s of a tile is head s % group of row s / group.
struct Work {
  PromptTile tile;
  int kv_head = 0;
  int group = 1;  // heads per key head
  int warp_queries = tile_queries;
  int first_query = 0;
  int end_query = 0;
  int first_position = 0;  // that any query sees
  int end_position = 0;

  __device__ std::int64_t position(int query) const { return tile.first.position + query / group; }
};

template <int tiles>
__device__ Work block_work(const PromptAttentionArguments& a) {
  constexpr int block_queries = block_warps * tiles * tile_queries;
  Work work;
  work.warp_queries = tiles * tile_queries;
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
    const int first_query = work.first_query + static_cast<int>(threadIdx.x / lanes_per_warp) * work.warp_queries;
    if (first_query >= work.end_query) return;
    first = sight_of(a.window, work.position(first_query));
    last = sight_of(a.window, work.position(min(first_query + work.warp_queries, work.end_query) - 1));
  }
  __device__ bool some(int begin, int end) const { return begin < last.end && end > first.first; }
  __device__ bool all(int begin, int end) const { return begin >= last.first && end <= first.end; }
};

/// Number of the first of a lane's queries; each of the others is 8 further than the one before.
__device__ int lane_query(const Work& work) {
  const int warp = static_cast<int>(threadIdx.x / lanes_per_warp);
  return work.first_query + warp * work.warp_queries + static_cast<int>(threadIdx.x % lanes_per_warp) / 4;
}

/// Where a query lies among [rows, heads, head_dim], and its output; -1 where there is none.
__device__ std::int64_t query_offset(const PromptAttentionArguments& a, const Work& work, int query) {
  if (query >= work.end_query) return -1;
  const std::int64_t head = work.kv_head * work.group + query % work.group;
  return ((work.tile.first.row + query / work.group) * a.batch.heads + head) * a.cache.head_dim;
}

/// The left operands of the products with the keys.
template <class Compute, int dim, int tiles>
class Queries {
 public:
  static constexpr int steps = dim / 16;
  static_assert(tiles == 1 || Sizes<dim>::queries_in_registers);

  /// `shared` has room for the fragments of the block; every lane reads only what it wrote.
  __device__ Queries(const PromptAttentionArguments& a, const Work& work, uint4* shared)
      : shared_(shared + threadIdx.x) {
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) load(a, work, tile);
  }

  __device__ void get(int tile, int step, std::uint32_t (&fragment)[4]) const {
    if constexpr (Sizes<dim>::queries_in_registers) {
#pragma unroll
      for (int i = 0; i < 4; ++i) fragment[i] = kept_[tile][step][i];
    } else {
      const uint4 words = shared_[step * block_threads];
      fragment[0] = words.x, fragment[1] = words.y, fragment[2] = words.z, fragment[3] = words.w;
    }
  }

 private:
  __device__ void load(const PromptAttentionArguments& a, const Work& work, int tile) {
    const int query = lane_query(work) + tile * tile_queries;
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
        if constexpr (Sizes<dim>::queries_in_registers) kept_[tile][step][i] = fragment[i];
      }
      if constexpr (!Sizes<dim>::queries_in_registers) {
        shared_[step * block_threads] = {fragment[0], fragment[1], fragment[2], fragment[3]};
      }
    }
  }

  uint4* shared_;
  std::uint32_t kept_[tiles][Sizes<dim>::queries_in_registers ? steps : 1][4];
};

/// Begins to copy the keys and values of positions begin ... to shared memory, zeros for those that no query sees.
template <int dim, int tiles>
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
  // Addresses of many copies at once would take registers that two tiles of queries leave none of.
  [[maybe_unused]] constexpr int copies_together = tiles == 1 ? warp_pieces / static_cast<int>(lanes_per_warp) : 1;
#pragma unroll(copies_together)
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

/// The softmax of a tile as far as it is known, in powers of 2, and its weighted sums of values.
template <int dim>
struct State {
  float sums[dim / 8][4] = {};
  float totals[4] = {};  ///< of the weights: as `sums` of a value that is 1 everywhere
  float maxima[2] = {-INFINITY, -INFINITY};
};

/// Scores of a tile of queries for the keys of a stage.
template <int dim>
struct Scores {
  static constexpr int columns = Sizes<dim>::keys / 8;
  float of[columns][4] = {};
};

/// Products of the warp's queries with the keys of a stage.
template <class Compute, int dim, int tiles>
__device__ void multiply_keys(const Queries<Compute, dim, tiles>& queries, const std::uint16_t* keys,
                              Scores<dim> (&scores)[tiles]) {
  using Operands = Queries<Compute, dim, tiles>;
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  const std::uint16_t* const row = keys + (lane / 16 * 8 + lane % 8) * Sizes<dim>::stride + lane / 8 % 2 * 8;
  // Where queries are not in registers, fewer of them are to be on the way.
  [[maybe_unused]] constexpr int steps_together = Sizes<dim>::queries_in_registers ? Operands::steps : 2;
#pragma unroll(steps_together)
  for (int step = 0; step < Operands::steps; ++step) {
    std::uint32_t query[tiles][4];
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) queries.get(tile, step, query[tile]);
#pragma unroll
    for (int n = 0; n < Scores<dim>::columns; n += 2) {
      std::uint32_t both[4];
      ptx::load_matrix(both, row + n * 8 * Sizes<dim>::stride + step * 16);
      const std::uint32_t first[2] = {both[0], both[1]};
      const std::uint32_t second[2] = {both[2], both[3]};
#pragma unroll
      for (int tile = 0; tile < tiles; ++tile) {
        Compute::mma(scores[tile].of[n], query[tile], first);
        Compute::mma(scores[tile].of[n + 1], query[tile], second);
      }
    }
  }
}

/// Scales and caps scores; the result is to be taken as powers of 2.
template <int columns>
__device__ void scale_scores(const PromptAttentionArguments& a, float (&scores)[columns][4]) {
  const float inner = a.soft_cap != 0.0F ? a.scale / a.soft_cap : a.scale * log2_of_e;
#pragma unroll
  for (int i = 0; i < 4 * columns; ++i) scores[i / 4][i % 4] *= inner;
  if (a.soft_cap == 0.0F) return;
  const float outer = a.soft_cap * log2_of_e;
#pragma unroll
  for (int i = 0; i < 4 * columns; ++i) scores[i / 4][i % 4] = outer * tanhf(scores[i / 4][i % 4]);
}

/// Makes -infinity of the scores of positions begin ... that a lane's queries of a tile do not see.
template <int columns>
__device__ void hide_unseen(const PromptAttentionArguments& a, const Work& work, int tile, int begin,
                            float (&scores)[columns][4]) {
  const int first = begin + 2 * static_cast<int>(threadIdx.x % 4);
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int query = lane_query(work) + tile * tile_queries + 8 * h;
    const Sight sight = query < work.end_query ? sight_of(a.window, work.position(query)) : Sight{0, 0};
#pragma unroll
    for (int i = 0; i < 2 * columns; ++i) {
      if (!sight.sees(first + i / 2 * 8 + i % 2)) scores[i / 2][2 * h + i % 2] = -INFINITY;
    }
  }
}

/// Turns scores into exponentials and scales what was summed before to the new maxima. Of a query that sees none of the
/// positions nothing changes.
template <int dim, int columns>
__device__ void weigh(float (&scores)[columns][4], State<dim>& state) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float maximum = state.maxima[h];
#pragma unroll
    for (int n = 0; n < columns; ++n) maximum = fmaxf(maximum, fmaxf(scores[n][2 * h], scores[n][2 * h + 1]));
    maximum = fmaxf(maximum, __shfl_xor_sync(0xFFFFFFFFU, maximum, 1));
    maximum = fmaxf(maximum, __shfl_xor_sync(0xFFFFFFFFU, maximum, 2));
    const float base = maximum == -INFINITY ? 0.0F : maximum;
    const float factor = ptx::exp2_approximate(state.maxima[h] - base);
    state.maxima[h] = maximum;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int n = 0; n < columns; ++n) scores[n][2 * h + i] = ptx::exp2_approximate(scores[n][2 * h + i] - base);
#pragma unroll
      for (int d = 0; d < dim / 8; ++d) state.sums[d][2 * h + i] *= factor;
      state.totals[2 * h + i] *= factor;
    }
  }
}

/// Adds the values of a stage, weighted.
template <class Compute, int dim, int tiles>
__device__ void add_values(const std::uint16_t* values, const Scores<dim> (&weights)[tiles],
                           State<dim> (&states)[tiles]) {
  constexpr std::uint32_t ones[2] = {Compute::pair_of_ones, Compute::pair_of_ones};
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  const std::uint16_t* const row = values + lane % 16 * Sizes<dim>::stride + lane / 16 * 8;
#pragma unroll
  for (int n = 0; n < Scores<dim>::columns; n += 2) {
    std::uint32_t weight[tiles][4];
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) {
      // The sums of two products lie as the left operand of the next.
      const float(&low)[4] = weights[tile].of[n];
      const float(&high)[4] = weights[tile].of[n + 1];
      weight[tile][0] = Compute::pack(low[0], low[1]);
      weight[tile][1] = Compute::pack(low[2], low[3]);
      weight[tile][2] = Compute::pack(high[0], high[1]);
      weight[tile][3] = Compute::pack(high[2], high[3]);
      Compute::mma(states[tile].totals, weight[tile], ones);
    }
#pragma unroll
    for (int d = 0; d < dim / 8; d += 2) {
      std::uint32_t both[4];
      ptx::load_matrix_transposed(both, row + n * 8 * Sizes<dim>::stride + d * 8);
      const std::uint32_t first[2] = {both[0], both[1]};
      const std::uint32_t second[2] = {both[2], both[3]};
#pragma unroll
      for (int tile = 0; tile < tiles; ++tile) {
        Compute::mma(states[tile].sums[d], weight[tile], first);
        Compute::mma(states[tile].sums[d + 1], weight[tile], second);
      }
    }
  }
}

template <int dim>
__device__ void store_results(const PromptAttentionArguments& a, const Work& work, int tile, const State<dim>& state) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const std::int64_t offset = query_offset(a, work, lane_query(work) + tile * tile_queries + 8 * h);
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

template <class Compute, int dim, int tiles>
__global__ void __launch_bounds__(block_threads, Sizes<dim>::blocks_at_once(tiles))
    prompt_attention_kernel(const __grid_constant__ PromptAttentionArguments a) {
  using Size = Sizes<dim>;
  auto* const stages = static_cast<std::uint16_t*>(ptx::dynamic_shared_memory());
  ptx::let_next_kernel_start();
  ptx::wait_for_earlier_kernels();
  const Work work = block_work<tiles>(a);
  if (work.first_query >= work.end_query) return;
  int begin = work.first_position / Size::keys * Size::keys;
  load_stage<dim, tiles>(a, work, begin, stages);
  const WarpSight warp_sight(a, work);
  const Queries<Compute, dim, tiles> queries(a, work, reinterpret_cast<uint4*>(stages + 2 * Size::stage));
  State<dim> states[tiles];
#pragma unroll 1
  for (int half = 0; begin < work.end_position; begin += Size::keys, half ^= 1) {
    // Also: all have finished with the other half.
    ptx::wait_for_copies<0>();
    __syncthreads();
    const int next = begin + Size::keys;
    if (next < work.end_position) load_stage<dim, tiles>(a, work, next, stages + (half ^ 1) * Size::stage);
    if (!warp_sight.some(begin, next)) continue;
    const std::uint16_t* const keys = stages + half * Size::stage;
    Scores<dim> scores[tiles];
    multiply_keys(queries, keys, scores);
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) scale_scores(a, scores[tile].of);
    if (!warp_sight.all(begin, next)) {
      // Found again where it is needed, which is seldom, rather than held in registers.
      const Work same_work = block_work<tiles>(a);
#pragma unroll
      for (int tile = 0; tile < tiles; ++tile) hide_unseen(a, same_work, tile, begin, scores[tile].of);
    }
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) weigh<dim>(scores[tile].of, states[tile]);
    add_values<Compute>(keys + Size::keys * Size::stride, scores, states);
  }
  const Work same_work = block_work<tiles>(a);
#pragma unroll
  for (int tile = 0; tile < tiles; ++tile) store_results(a, same_work, tile, states[tile]);
}

template <class Compute, int dim, int tiles>
cudaError_t launch_prompts(cudaStream_t stream, const PromptAttentionArguments& arguments) {
  const std::int64_t group = arguments.batch.heads / arguments.cache.kv_heads;
  constexpr std::int64_t block_queries = std::int64_t{block_warps} * tiles * tile_queries;
  Blocks blocks;
  blocks.x = arguments.tile_count;
  blocks.y = arguments.cache.kv_heads;
  blocks.z = (prompt_tile_rows * group + block_queries - 1) / block_queries;
  blocks.threads = block_threads;
  blocks.shared_bytes = Sizes<dim>::shared_bytes;
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, prompt_attention_kernel<Compute, dim, tiles>, arguments);
}

template <class Compute>
cudaError_t launch_sized(cudaStream_t stream, const PromptAttentionArguments& arguments) {
  if (arguments.warp_queries == 2 * tile_queries) {
    if (arguments.cache.head_dim > largest_doubled_head_dim) return cudaErrorInvalidValue;
    return launch_prompts<Compute, largest_doubled_head_dim, 2>(stream, arguments);
  }
  if (arguments.cache.head_dim <= 64) return launch_prompts<Compute, 64, 1>(stream, arguments);
  if (arguments.cache.head_dim <= 96) return launch_prompts<Compute, 96, 1>(stream, arguments);
  if (arguments.cache.head_dim <= 128) return launch_prompts<Compute, 128, 1>(stream, arguments);
  static_assert(largest_prompt_head_dim == 256);
  return launch_prompts<Compute, 256, 1>(stream, arguments);
}
}  // namespace

cudaError_t attend_prompts(cudaStream_t stream, const PromptAttentionArguments& arguments) {
  return arguments.cache.type == DataType::bf16 ? launch_sized<Bfloat16Compute>(stream, arguments)
                                                : launch_sized<Float16Compute>(stream, arguments);
}

}  // namespace quantscope::cuda
