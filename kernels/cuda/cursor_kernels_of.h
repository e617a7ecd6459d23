// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/cursor_kernels.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/warp_products.h"
#include "kernels/cuda/weight_cursors.h"

/// The kernels of cursor_kernels.h.
namespace quantscope::cuda {

/// Values that are stored at a time where rows are a multiple of them.
inline constexpr int values_per_store = 8;

__device__ inline std::uint32_t narrowed(ComputeType compute, float value) {
  return compute == ComputeType::fp16 ? fp32_to_fp16(value) : fp32_to_bf16(value);
}

__device__ inline void store_value(const RowsArguments& a, std::int64_t at, float value) {
  if (a.narrow) {
    static_cast<std::uint16_t*>(a.values)[at] = static_cast<std::uint16_t>(narrowed(a.compute, value));
  } else {
    static_cast<float*>(a.values)[at] = round_to(a.compute, value);
  }
}

/// `at` is a multiple of 8.
__device__ inline void store_eight(const RowsArguments& a, std::int64_t at, const float (&values)[values_per_store]) {
  if (a.narrow) {
    std::uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      words[i] = narrowed(a.compute, values[2 * i]) | narrowed(a.compute, values[2 * i + 1]) << 16;
    }
    *reinterpret_cast<uint4*>(static_cast<std::uint16_t*>(a.values) + at) = {words[0], words[1], words[2], words[3]};
    return;
  }
  float rounded[values_per_store];
#pragma unroll
  for (int i = 0; i < values_per_store; ++i) rounded[i] = round_to(a.compute, values[i]);
  auto* const target = reinterpret_cast<float4*>(static_cast<float*>(a.values) + at);
  target[0] = {rounded[0], rounded[1], rounded[2], rounded[3]};
  target[1] = {rounded[4], rounded[5], rounded[6], rounded[7]};
}

/// A thread decodes Cursor::values_at_once values of a row.
template <class Cursor>
__global__ void rows_kernel(RowsArguments a) {
  ptx::let_next_kernel_start();
  ptx::wait_for_earlier_kernels();
  constexpr std::int64_t piece = Cursor::values_at_once;
  const std::int64_t columns = a.weight.columns;
  const std::int64_t pieces = (columns + piece - 1) / piece;
  const std::int64_t i = thread_number();
  if (i >= a.row_count * pieces) return;
  const std::int64_t row = i / pieces;
  const std::int64_t column = i % pieces * piece;
  const std::int64_t count = piece < columns - column ? piece : columns - column;
  const std::int64_t at = row * columns + column;
  Cursor cursor(a.weight, a.ids == nullptr ? a.first_row + row : a.ids[row], column);
  if (columns % values_per_store != 0) {
    for (std::int64_t k = 0; k < count; ++k) store_value(a, at + k, cursor.next());
    return;
  }
  for (std::int64_t k = 0; k < count; k += values_per_store) {
    float values[values_per_store];
#pragma unroll
    for (int n = 0; n < values_per_store; ++n) values[n] = cursor.next();
    store_eight(a, at + k, values);
  }
}

/// A warp per output; a lane takes Cursor::values_at_once weights, then those 32 times as far on.
template <class Cursor>
__global__ void product_kernel(ProductArguments a) {
  const WarpWork work = warp_work(a.rows);
  if (work.output >= a.target.outputs) return;
  constexpr std::int64_t piece = Cursor::values_at_once;
  const std::int64_t lane = threadIdx.x % lanes_per_warp;
  const std::int64_t columns = a.weight.columns;
  const float* const x = a.input + work.first_row * columns;
  float sums[rows_per_warp] = {};
  for (std::int64_t k0 = lane * piece; k0 < columns; k0 += piece * lanes_per_warp) {
    Cursor weights(a.weight, a.target.first_output + work.output, k0);
    const std::int64_t end = k0 + piece < columns ? k0 + piece : columns;
    for (std::int64_t k = k0; k < end; ++k) {
      const float w = round_to(a.compute, weights.next());
#pragma unroll
      for (int m = 0; m < rows_per_warp; ++m) {
        if (m < work.rows) sums[m] = fmaf(x[m * columns + k], w, sums[m]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < rows_per_warp; ++m) {
    const float sum = warp_sum(sums[m]);
    if (lane == 0 && m < work.rows) store_product(a, work.first_row + m, work.output, sum);
  }
}

template <class Cursor>
cudaError_t decode_rows_with(cudaStream_t stream, const RowsArguments& arguments) {
  const std::int64_t pieces = (arguments.weight.columns + Cursor::values_at_once - 1) / Cursor::values_at_once;
  Blocks blocks;
  blocks.x = (arguments.row_count * pieces + threads_per_block - 1) / threads_per_block;
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, rows_kernel<Cursor>, arguments);
}

template <class Cursor>
cudaError_t multiply_rows_with(cudaStream_t stream, const ProductArguments& arguments) {
  return launch(stream, warp_grid(arguments), product_kernel<Cursor>, arguments);
}

template <class Cursor>
CursorKernels cursor_kernels_of() {
  return {decode_rows_with<Cursor>, multiply_rows_with<Cursor>};
}

}  // namespace quantscope::cuda
