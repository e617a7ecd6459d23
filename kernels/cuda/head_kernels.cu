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

__global__ void sum_kernel(LogitTile tile, const std::int32_t* targets, PartialSum* parts) {
  const std::int64_t i = thread_number();
  if (i >= tile.rows * parts_of(tile)) return;
  const Stretch stretch = stretch_at(tile, i);
  PartialSum part;
  for (std::int64_t n = 0; n < stretch.count; ++n) part.maximum = fmaxf(part.maximum, stretch.logits[n]);
  for (std::int64_t n = 0; n < stretch.count; ++n) {
    part.sum += exp(static_cast<double>(stretch.logits[n]) - static_cast<double>(part.maximum));
  }
  const std::int64_t target = targets[stretch.row] - stretch.first_id;
  if (target >= 0 && target < stretch.count) part.target = stretch.logits[target];
  parts[part_index(tile, stretch)] = part;
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

}  // namespace quantscope::cuda
