// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/head_kernels.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::cuda {
namespace {

/// The stretch of logits of one thread.
struct Stretch {
  std::int64_t row;
  const float* logits;
  std::int64_t count;
  std::int64_t first_id;
};

__device__ std::int64_t parts_of(const LogitTile& tile) {
  return (tile.outputs + logits_per_part - 1) / logits_per_part;
}

__device__ Stretch stretch_at(const LogitTile& tile, std::int64_t index) {
  Stretch stretch;
  stretch.row = index / parts_of(tile);
  const std::int64_t first = index % parts_of(tile) * logits_per_part;
  const std::int64_t left = tile.outputs - first;
  stretch.logits = tile.logits + stretch.row * tile.outputs + first;
  stretch.count = left < logits_per_part ? left : logits_per_part;
  stretch.first_id = tile.first_id + first;
  return stretch;
}

__device__ std::int64_t part_index(const LogitTile& tile, const Stretch& stretch) {
  return stretch.row * tile.parts_per_row + stretch.first_id / logits_per_part;
}

__global__ void best_kernel(LogitTile tile, BestTwo* parts) {
  const std::int64_t i = thread_number();
  if (i >= tile.rows * parts_of(tile)) return;
  const Stretch stretch = stretch_at(tile, i);
  BestTwo best;
  for (std::int64_t n = 0; n < stretch.count; ++n) {
    best.offer(stretch.logits[n], static_cast<std::int32_t>(stretch.first_id + n));
  }
  parts[part_index(tile, stretch)] = best;
}

__device__ double exponential(float logit, float maximum) {
  return exp(static_cast<double>(logit) - static_cast<double>(maximum));
}

__device__ PartialSum sum_of(const Stretch& stretch, const std::int32_t* targets) {
  PartialSum part;
  for (std::int64_t n = 0; n < stretch.count; ++n) part.maximum = fmaxf(part.maximum, stretch.logits[n]);
  for (std::int64_t n = 0; n < stretch.count; ++n) part.sum += exponential(stretch.logits[n], part.maximum);
  const std::int64_t target = targets[stretch.row] - stretch.first_id;
  if (target >= 0 && target < stretch.count) part.target = stretch.logits[target];
  return part;
}

__global__ void sum_kernel(LogitTile tile, const std::int32_t* targets, PartialSum* parts) {
  const std::int64_t i = thread_number();
  if (i >= tile.rows * parts_of(tile)) return;
  const Stretch stretch = stretch_at(tile, i);
  parts[part_index(tile, stretch)] = sum_of(stretch, targets);
}

__device__ std::int32_t first_with(const Stretch& stretch, float value) {
  std::int64_t n = 0;
  while (n + 1 < stretch.count && stretch.logits[n] != value) ++n;
  return static_cast<std::int32_t>(stretch.first_id + n);
}

__global__ void pair_kernel(LogitTile base_tile, LogitTile other_tile, const std::int32_t* targets, PairPart* parts) {
  const std::int64_t i = thread_number();
  if (i >= base_tile.rows * parts_of(base_tile)) return;
  const Stretch base = stretch_at(base_tile, i);
  const Stretch other = stretch_at(other_tile, i);
  PairPart part;
  part.base = sum_of(base, targets);
  part.other = sum_of(other, targets);
  for (std::int64_t n = 0; n < base.count; ++n) {
    const double difference = static_cast<double>(base.logits[n]) - static_cast<double>(other.logits[n]);
    part.weighted += exponential(base.logits[n], part.base.maximum) * difference;
  }
  part.base_top = first_with(base, part.base.maximum);
  part.other_top = first_with(other, part.other.maximum);
  parts[part_index(base_tile, base)] = part;
}

constexpr unsigned combine_threads = 256;

/// One row per block.
__global__ void combine_best_kernel(const BestTwo* parts, std::int64_t parts_per_row, BestTwo* result) {
  __shared__ BestTwo found[combine_threads];
  ptx::let_next_kernel_start();
  ptx::wait_for_earlier_kernels();
  const std::int64_t row = blockIdx.x;
  BestTwo best;
  for (std::int64_t i = threadIdx.x; i < parts_per_row; i += combine_threads)
    best.merge(parts[row * parts_per_row + i]);
  found[threadIdx.x] = best;
  for (unsigned distance = combine_threads / 2; distance > 0; distance /= 2) {
    __syncthreads();
    if (threadIdx.x < distance) found[threadIdx.x].merge(found[threadIdx.x + distance]);
  }
  if (threadIdx.x == 0) result[row] = found[0];
}

/// One row per thread, so that sums are added in the order of the ids.
__global__ void combine_sums_kernel(const PartialSum* parts, std::int64_t rows, std::int64_t parts_per_row,
                                    double* result) {
  const std::int64_t row = thread_number();
  if (row < rows) result[row] = log_probability(parts + row * parts_per_row, parts_per_row);
}

__global__ void combine_pairs_kernel(const PairPart* parts, std::int64_t rows, std::int64_t parts_per_row,
                                     PairResult* result) {
  const std::int64_t row = thread_number();
  if (row < rows) result[row] = compare_row(parts + row * parts_per_row, parts_per_row);
}

Grid grid_of(const LogitTile& tile) { return {tile.rows * ((tile.outputs + logits_per_part - 1) / logits_per_part)}; }
}  // namespace

cudaError_t find_best(cudaStream_t stream, const LogitTile& tile, BestTwo* parts) {
  return launch(stream, grid_of(tile), best_kernel, tile, parts);
}

cudaError_t sum_exponentials(cudaStream_t stream, const LogitTile& tile, const std::int32_t* targets,
                             PartialSum* parts) {
  return launch(stream, grid_of(tile), sum_kernel, tile, targets, parts);
}

cudaError_t combine_best(cudaStream_t stream, const BestTwo* parts, std::int64_t rows, std::int64_t parts_per_row,
                         BestTwo* result) {
  Blocks blocks;
  blocks.x = rows;
  blocks.threads = combine_threads;
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, combine_best_kernel, parts, parts_per_row, result);
}

cudaError_t combine_sums(cudaStream_t stream, const PartialSum* parts, std::int64_t rows, std::int64_t parts_per_row,
                         double* result) {
  return launch(stream, {rows}, combine_sums_kernel, parts, rows, parts_per_row, result);
}

cudaError_t compare_logits(cudaStream_t stream, const LogitTile& base, const LogitTile& other,
                           const std::int32_t* targets, PairPart* parts) {
  return launch(stream, grid_of(base), pair_kernel, base, other, targets, parts);
}

cudaError_t combine_pairs(cudaStream_t stream, const PairPart* parts, std::int64_t rows, std::int64_t parts_per_row,
                          PairResult* result) {
  return launch(stream, {rows}, combine_pairs_kernel, parts, rows, parts_per_row, result);
}

}  // namespace quantscope::cuda
