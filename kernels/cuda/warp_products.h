// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/block_reduce.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/linear_kernels.h"

/// What kernels share whose warps compute one output each, for up to rows_per_warp rows.
namespace quantscope::cuda {

/// Rows that the calling warp works on, and its output.
struct WarpWork {
  std::int64_t output;
  std::int64_t first_row;
  std::int64_t rows;
};

__device__ inline WarpWork warp_work(std::int64_t rows) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * rows_per_warp;
  const std::int64_t left = rows - first;
  return {thread_number() / lanes_per_warp, first, left < rows_per_warp ? left : rows_per_warp};
}

/// One warp per output, groups of rows along y.
inline Grid warp_grid(const ProductArguments& arguments) {
  return {arguments.target.outputs * lanes_per_warp, (arguments.rows + rows_per_warp - 1) / rows_per_warp};
}

__device__ inline void store_product(const ProductArguments& a, std::int64_t row, std::int64_t n, float product) {
  if (a.bias != nullptr) product += a.bias[a.target.first_output + n];
  float& value = a.target.values[row * a.target.stride + n];
  value = a.target.add ? value + product : product;
}

}  // namespace quantscope::cuda
