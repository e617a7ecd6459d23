// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/activate.h"
#include "kernels/cuda/block_reduce.h"
#include "kernels/cuda/few_rows_block_codecs.h"
#include "kernels/cuda/few_rows_codecs.h"
#include "kernels/cuda/few_rows_k_codecs.h"
#include "kernels/cuda/few_rows_products.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/row_preparation.h"
#include "kernels/cuda/weight_stages.h"

/// The kernel of few_rows_products.h, included by one .cu file per codec so that they compile side by side.
///
/// A block computes tiles of 16 outputs, several at a time when there are many. The columns of a tile are shared by
/// some of its eight warps, which take steps in turn; a lane copies the weights of two outputs to the stages of
/// weight_stages.h ahead of their use and multiplies them as the left operand of m16n8k16. Which column stands where in
/// an instruction does not matter as long as both operands agree, so a lane takes consecutive columns and 16 bytes at a
/// time. The warps' sums are added through shared memory. A kernel of a small matrix runs for a few microseconds, most
/// of which its code takes to arrive from memory: hence 32-bit numbers, shifts for divisions and loops that are not
/// unrolled.
namespace quantscope::cuda {

inline constexpr int few_rows_warps = few_rows_threads / static_cast<int>(lanes_per_warp);
static_assert(few_rows_threads == static_cast<int>(preparing_threads));
/// Fours of columns of the row that a thread prepares at a time: half of what a thread with no other work holds.
inline constexpr int few_rows_held_quads = most_held_quads / 2;
inline constexpr int tile_shift = 4;  ///< log2 of a tile's outputs
inline constexpr int tile_outputs = 1 << tile_shift;

struct FewRowsShape {
  int tiles = 0;
  int first_tiles[largest_part_count] = {};  ///< of each part
  int columns = 0;
  std::int64_t row_bytes = 0;  ///< of codes
  int warp_shift = 3;          ///< log2 of the warps that share a tile, 1..3
  int block_shift = 0;         ///< log2 of values per scale, packed 4-bit codes only
  LocalTable<float, 16> levels{};

  QUANTSCOPE_HOST_DEVICE int tile_count_shift() const { return 3 - warp_shift; }  ///< log2 of a block's tiles
};

/// A tile's place in the work of a launch; `first_output` of part 0 and 1 for gate.
struct FewRowsTile {
  int part = 0;
  int first_output = 0;
};

__device__ inline FewRowsTile tile_at(const FewRowsArguments& a, const FewRowsShape& shape, int tile) {
  if (a.result == FewRowsResult::gate) return {0, tile << (tile_shift - 1)};
  const int part = (a.part_count > 1 && tile >= shape.first_tiles[1] ? 1 : 0) +
                   (a.part_count > 2 && tile >= shape.first_tiles[2] ? 1 : 0);
  return {part, (tile - shape.first_tiles[part]) << tile_shift};
}

/// Row `output` of a weight; rows beyond the last are read as the last and their products dropped.
template <class Codec>
__device__ typename Codec::Row weight_row(const FewRowsArguments& a, const FewRowsShape& shape, int part, int output) {
  const int row = a.parts[part].first_row + min(output, a.parts[part].outputs - 1);
  return Codec::begin_row(a.parts[part].weight, {row, part, shape.row_bytes, shape.block_shift});
}

/// Where a warp stands in the work of its block, with the two outputs whose weights a lane loads.
template <class Codec>
struct FewRowsCursor {
  int tile = 0;
  int k = 0;
  typename Codec::Row first, second;

  __device__ void begin_tile(const FewRowsArguments& a, const FewRowsShape& shape) {
    const FewRowsTile place = tile_at(a, shape, tile);
    const int output = place.first_output + static_cast<int>(threadIdx.x % lanes_per_warp / 4);
    const bool gate = a.result == FewRowsResult::gate;
    first = weight_row<Codec>(a, shape, place.part, output);
    second = weight_row<Codec>(a, shape, gate ? 1 : place.part, gate ? output : output + 8);
  }
  /// Moves to the next step of the warp: of its tile, or the first of its next tile.
  __device__ void advance(const FewRowsArguments& a, const FewRowsShape& shape, int first_k) {
    k += step_columns<Codec> << shape.warp_shift;
    if (k - first_k < shape.columns) return;
    k = first_k;
    tile += static_cast<int>(gridDim.x) << shape.tile_count_shift();
    begin_tile(a, shape);
  }
};

/// Starts the copies of a lane's weights of one step; the notes of its two rows.
template <class Codec>
__device__ std::uint32_t fetch_step(const FewRowsShape& shape, const FewRowsCursor<Codec>& at, unsigned char* stages,
                                    int stage) {
  const FetchPlace place{at.k, shape.columns, static_cast<int>(threadIdx.x % 4)};
  const std::uint32_t first = Codec::fetch(at.first, place, Stages<Codec>::lane_stage(stages, stage, 0));
  const std::uint32_t second = Codec::fetch(at.second, place, Stages<Codec>::lane_stage(stages, stage, 1));
  return first | second << note_bits;
}

/// What a step is multiplied with.
struct StepInput {
  const std::uint16_t* activations;
  const PackedTables* tables;
  int columns;
};

/// Multiplies one step's weights with the activations of all groups of eight rows.
template <class Codec, class Compute, int row_tiles>
__device__ void multiply_step(const StagedRow& first_row, const StagedRow& second_row, int k, const FewRowsArguments& a,
                              const StepInput& input, float (&sums)[row_tiles][4]) {
  const auto first_factor = Codec::factor(a.parts[0].weight, first_row, input.tables);
  const auto second_factor = Codec::factor(a.parts[0].weight, second_row, input.tables);
#pragma unroll
  for (int piece = 0; piece < Codec::pieces; ++piece) {
    const int column = k + Codec::column(piece, static_cast<int>(threadIdx.x % 4));
    std::uint32_t first[4];
    std::uint32_t second[4];
    Codec::template decode<Compute>(first_row, piece, first_factor, input.tables, first);
    Codec::template decode<Compute>(second_row, piece, second_factor, input.tables, second);
#pragma unroll
    for (int tile = 0; tile < row_tiles; ++tile) {
      const int row = tile * 8 + static_cast<int>(threadIdx.x % lanes_per_warp / 4);
      uint4 x = {0, 0, 0, 0};
      if (row < a.rows && column < input.columns) {
        x = *reinterpret_cast<const uint4*>(input.activations + row * input.columns + column);
      }
      Compute::mma(sums[tile], {first[0], second[0], first[1], second[1]}, {x.x, x.y});
      Compute::mma(sums[tile], {first[2], second[2], first[3], second[3]}, {x.z, x.w});
    }
  }
}

__device__ inline void fill_tables(PackedTables& tables, const FewRowsArguments& a, const FewRowsShape& shape) {
  const WeightView& weight = a.parts[0].weight;
  if (threadIdx.x < 16) tables.levels[threadIdx.x] = shape.levels.values[threadIdx.x];
  if (weight.nested_absmax != nullptr) {
    tables.dynamic_levels[threadIdx.x] = weight.dynamic_levels[threadIdx.x];
    if (static_cast<int>(threadIdx.x) < a.part_count) {
      const WeightView& part = a.parts[threadIdx.x].weight;
      tables.nested_offsets[threadIdx.x] = part.nested_absmax[part.nested_blocks];
    }
  }
  __syncthreads();
  // Thread t writes copy t % 16 of the pairs whose second level is t / 16.
  const float second = tables.levels[threadIdx.x / 16];
#pragma unroll 4
  for (int first = 0; first < 16; ++first) {
    tables.pairs[first * 256 + threadIdx.x] = {tables.levels[first], second};
  }
}

/// Puts a warp's sums where the others find them, and clears them.
template <int row_tiles>
__device__ void share_sums(float (&sums)[row_tiles][4], float* block_sums) {
  const int warp = static_cast<int>(threadIdx.x / lanes_per_warp);
  const int lane = static_cast<int>(threadIdx.x % lanes_per_warp);
  constexpr int width = 8 * row_tiles;
#pragma unroll
  for (int t = 0; t < row_tiles; ++t) {
    float* const at = block_sums + (warp * tile_outputs + lane / 4) * width + t * 8 + lane % 4 * 2;
    at[0] = sums[t][0];
    at[1] = sums[t][1];
    at[8 * width] = sums[t][2];
    at[8 * width + 1] = sums[t][3];
    sums[t][0] = sums[t][1] = sums[t][2] = sums[t][3] = 0.0F;
  }
}

/// The sums of a tile's warps for output r and row n, in the order of the warps.
template <int row_tiles>
__device__ float tile_sum(const float* block_sums, const FewRowsShape& shape, int tile, int r, int n) {
  constexpr int width = 8 * row_tiles;
  const float* const at = block_sums + ((tile << shape.warp_shift) * tile_outputs + r) * width + n;
  float sum = 0.0F;
#pragma unroll
  for (int warp = 0; warp < few_rows_warps; ++warp) {
    if (warp < 1 << shape.warp_shift) sum += at[warp * tile_outputs * width];
  }
  return sum;
}

/// The best outputs that one thread has seen; it looks after so many pairs of an output and a row.
inline constexpr int bests_per_thread = 2;

/// Stores the sums of a block's tiles, gates them or keeps the best.
template <int row_tiles>
__device__ void finish_tiles(const FewRowsArguments& a, const FewRowsShape& shape, int first_tile,
                             const float* block_sums, BestTwo (&best)[bests_per_thread]) {
  const bool gate = a.result == FewRowsResult::gate;
  const int output_shift = gate ? tile_shift - 1 : tile_shift;
  const int block_shift = output_shift + shape.tile_count_shift();
  int turn = 0;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < a.rows << block_shift; i += few_rows_threads, ++turn) {
    const int n = i >> block_shift;
    const int tile = (i & ((1 << block_shift) - 1)) >> output_shift;
    const int r = i & ((1 << output_shift) - 1);
    const FewRowsTile place = tile_at(a, shape, first_tile + tile);
    const FewRowsPart& part = a.parts[place.part];
    const int output = place.first_output + r;
    if (first_tile + tile >= shape.tiles || output >= part.outputs) continue;
    float value = tile_sum<row_tiles>(block_sums, shape, tile, r, n);
    if (part.bias != nullptr) value += part.bias[output];
    if (gate) {
      float up = tile_sum<row_tiles>(block_sums, shape, tile, r + 8, n);
      if (a.parts[1].bias != nullptr) up += a.parts[1].bias[output];
      value = activate(a.activation, value) * up;
    }
    if (a.result == FewRowsResult::best) {
      // Spelled out, because an index known only at run time would move `best` to local memory.
      turn == 0 ? best[0].offer(value, output) : best[1].offer(value, output);
      continue;
    }
    float* const target = part.output + n * part.stride + output;
    *target = a.result == FewRowsResult::add ? *target + value : value;
  }
}

/// Writes the best of the block for each row. `scratch` is shared memory for `bests_per_thread` of every thread.
__device__ inline void store_best(const FewRowsArguments& a, const FewRowsShape& shape,
                                  const BestTwo (&mine)[bests_per_thread], BestTwo* scratch) {
  scratch[threadIdx.x] = mine[0];
  scratch[few_rows_threads + threadIdx.x] = mine[1];
  __syncthreads();
  if (static_cast<int>(threadIdx.x) >= a.rows) return;
  const int per_row = tile_outputs << shape.tile_count_shift();
  BestTwo best;
  for (int i = 0; i < per_row; ++i) best.merge(scratch[static_cast<int>(threadIdx.x) * per_row + i]);
  a.best[threadIdx.x * gridDim.x + blockIdx.x] = best;
}

/// Shared memory of a block, in this order: tables, sums, stages and, where the kernel prepares its row, activations.
template <class Codec, int row_tiles>
struct FewRowsShared {
  static constexpr int tables = Codec::has_tables ? static_cast<int>(sizeof(PackedTables)) : 0;
  static constexpr int sums_per_buffer = few_rows_warps * tile_outputs * 8 * row_tiles;
  /// Tiles alternate between two buffers where there is room, so that one barrier per tile is enough.
  static constexpr int sum_buffers = row_tiles == 1 ? 2 : 1;
  static constexpr int sums = sum_buffers * sums_per_buffer * static_cast<int>(sizeof(float));
  static constexpr int own_row = row_tiles == 1 ? 2 * Codec::own_columns : 0;
  static constexpr int stage_count = Stages<Codec>::count(tables + sums + own_row);
  static constexpr int stages = stage_count * Stages<Codec>::stage_bytes;
  static_assert(stage_count > 1, "a step is to be multiplied while another arrives");
  static std::size_t bytes(const FewRowsArguments& a, int columns) {
    return static_cast<std::size_t>(tables + sums + stages + (a.prepared == nullptr ? 2 * columns : 0));
  }
};

/// The block's one row, after the kernel before has finished.
template <class Compute>
__device__ void prepare_own_row(const FewRowsArguments& a, int columns, float* scratch, std::uint16_t* staged) {
  const RowSource source{a.source, a.picked, columns, a.norm, a.epsilon, a.norm_offset};
  prepare_row<few_rows_held_quads>(source, scratch, [&](int quad, const float4& v) {
    reinterpret_cast<uint2*>(staged)[quad] = {Compute::pack(v.x, v.y), Compute::pack(v.z, v.w)};
  });
}

template <class Codec, class Compute, int row_tiles>
__global__ void __launch_bounds__(few_rows_threads, row_tiles == 1 ? 2 : 1)
    few_rows_kernel(const __grid_constant__ FewRowsArguments a, const __grid_constant__ FewRowsShape shape) {
  using Shared = FewRowsShared<Codec, row_tiles>;
  constexpr int stage_count = Shared::stage_count;
  auto* const shared = static_cast<unsigned char*>(ptx::dynamic_shared_memory());
  auto* const tables = reinterpret_cast<PackedTables*>(shared);
  auto* const warp_sums = reinterpret_cast<float*>(shared + Shared::tables);
  unsigned char* const stages = shared + Shared::tables + Shared::sums;
  auto* const staged = reinterpret_cast<std::uint16_t*>(stages + Shared::stages);
  const StepInput input{a.prepared == nullptr ? staged : a.prepared, tables, shape.columns};
  const int warps = 1 << shape.warp_shift;
  const int warp = static_cast<int>(threadIdx.x / lanes_per_warp);
  const int first_k = (warp & (warps - 1)) * step_columns<Codec>;

  ptx::let_next_kernel_start();
  FewRowsCursor<Codec> next;
  next.tile = (static_cast<int>(blockIdx.x) << shape.tile_count_shift()) + (warp >> shape.warp_shift);
  next.k = first_k;
  next.begin_tile(a, shape);
  int k = first_k;          // of the step that is multiplied next
  int stage = 0;            // where it lies
  std::uint32_t notes = 0;  // of the steps in the stages, the next one's last
  float sums[row_tiles][4] = {};
  BestTwo best[bests_per_thread];
  int buffer = 0;
  int first_tile = static_cast<int>(blockIdx.x) << shape.tile_count_shift();
  // The first turns only fill the stages.
#pragma unroll 1
  for (int turn = -stage_count; first_tile < shape.tiles; ++turn) {
    if (turn >= 0) {
      ptx::wait_for_copies<stage_count - 1>();
      if (k < shape.columns && first_tile + (warp >> shape.warp_shift) < shape.tiles) {
        const int column = k + static_cast<int>(threadIdx.x % 4) * 32;
        const StagedRow first{Stages<Codec>::lane_stage(stages, stage, 0), column, notes & ((1U << note_bits) - 1)};
        const StagedRow second{Stages<Codec>::lane_stage(stages, stage, 1), column,
                               notes >> note_bits & ((1U << note_bits) - 1)};
        multiply_step<Codec, Compute, row_tiles>(first, second, k, a, input, sums);
      }
    }
    notes >>= 2 * note_bits;
    if (next.tile < shape.tiles) {
      if (next.k < shape.columns) {
        notes |= fetch_step<Codec>(shape, next, stages, stage) << (2 * note_bits * (stage_count - 1));
      }
      next.advance(a, shape, first_k);
    }
    ptx::commit_copies();
    stage = stage + 1 == stage_count ? 0 : stage + 1;
    if (turn < 0) {
      if (turn != -1) continue;
      if constexpr (Codec::has_tables) fill_tables(*tables, a, shape);
      if (a.prepared == nullptr) {
        prepare_own_row<Compute>(a, shape.columns, warp_sums, staged);
      } else {
        ptx::wait_for_earlier_kernels();
      }
      __syncthreads();
      continue;
    }
    k += warps * step_columns<Codec>;
    if (k - first_k < shape.columns) continue;
    k = first_k;
    float* const block_sums = warp_sums + buffer * Shared::sums_per_buffer;
    buffer = buffer + 1 == Shared::sum_buffers ? 0 : buffer + 1;
    share_sums<row_tiles>(sums, block_sums);
    __syncthreads();
    finish_tiles<row_tiles>(a, shape, first_tile, block_sums, best);
    if constexpr (Shared::sum_buffers == 1) __syncthreads();
    first_tile += static_cast<int>(gridDim.x) << shape.tile_count_shift();
  }
  if (a.result == FewRowsResult::best) {
    __syncthreads();
    store_best(a, shape, best, reinterpret_cast<BestTwo*>(warp_sums));
  }
}

template <class Codec, class Compute, int row_tiles>
cudaError_t launch_few_rows(cudaStream_t stream, const FewRowsArguments& arguments, const FewRowsShape& shape,
                            std::int64_t block_count) {
  Blocks blocks;
  blocks.x = block_count;
  blocks.threads = few_rows_threads;
  blocks.shared_bytes = FewRowsShared<Codec, row_tiles>::bytes(arguments, shape.columns);
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, few_rows_kernel<Codec, Compute, row_tiles>, arguments, shape);
}

/// Chooses the instance for the compute type and the number of rows.
template <class Codec>
cudaError_t run_few_rows(cudaStream_t stream, const FewRowsArguments& arguments, const FewRowsShape& shape,
                         std::int64_t block_count) {
  const bool one_tile = arguments.rows <= 8;
  if (arguments.compute == ComputeType::bf16) {
    return one_tile ? launch_few_rows<Codec, Bfloat16Compute, 1>(stream, arguments, shape, block_count)
                    : launch_few_rows<Codec, Bfloat16Compute, 4>(stream, arguments, shape, block_count);
  }
  return one_tile ? launch_few_rows<Codec, Float16Compute, 1>(stream, arguments, shape, block_count)
                  : launch_few_rows<Codec, Float16Compute, 4>(stream, arguments, shape, block_count);
}

// Each is instantiated in a file of its own.
extern template cudaError_t run_few_rows<Dense16Codec<CodeType::bfloat16>>(cudaStream_t, const FewRowsArguments&,
                                                                           const FewRowsShape&, std::int64_t);
extern template cudaError_t run_few_rows<Dense16Codec<CodeType::float16>>(cudaStream_t, const FewRowsArguments&,
                                                                          const FewRowsShape&, std::int64_t);
extern template cudaError_t run_few_rows<Dense32Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                       std::int64_t);
extern template cudaError_t run_few_rows<Int8Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                    std::int64_t);
extern template cudaError_t run_few_rows<Packed4Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                       std::int64_t);
extern template cudaError_t run_few_rows<Affine4Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                       std::int64_t);
extern template cudaError_t run_few_rows<Q80Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                   std::int64_t);
extern template cudaError_t run_few_rows<Q40Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                   std::int64_t);
extern template cudaError_t run_few_rows<Q4KCodec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                   std::int64_t);
extern template cudaError_t run_few_rows<Q5KCodec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                   std::int64_t);
extern template cudaError_t run_few_rows<Q6KCodec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&,
                                                   std::int64_t);

}  // namespace quantscope::cuda
