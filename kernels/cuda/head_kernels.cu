// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/head_kernels.h"

#include "kernels/cuda/launch.h"

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

Grid grid_of(const LogitTile& tile) { return {tile.rows * ((tile.outputs + logits_per_part - 1) / logits_per_part)}; }
}  // namespace

cudaError_t find_best(cudaStream_t stream, const LogitTile& tile, BestTwo* parts) {
  return launch(stream, grid_of(tile), best_kernel, tile, parts);
}

cudaError_t sum_exponentials(cudaStream_t stream, const LogitTile& tile, const std::int32_t* targets,
                             PartialSum* parts) {
  return launch(stream, grid_of(tile), sum_kernel, tile, targets, parts);
}

}  // namespace quantscope::cuda
