// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/linear_kernels.h"

#include <cmath>

#include "kernels/cuda/block_reduce.h"
#include "kernels/cuda/cursor_kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/warp_products.h"

namespace quantscope::cuda {
namespace {
// float32(1 / 127^2) as CUDA code of bitsandbytes writes it, 6.200012e-05.
constexpr std::uint32_t int8_product_scale_bits = 0x38820610U;
constexpr unsigned encode_threads = 256;

__device__ bool is_outlier(float value, float threshold) { return threshold > 0.0F && magnitude(value) >= threshold; }

/// One column per thread.
__global__ void outlier_columns_kernel(Int8EncodeArguments a) {
  const std::int64_t k = thread_number();
  if (k >= a.columns) return;
  std::uint8_t found = 0;
  for (std::int64_t m = 0; m < a.rows; ++m) {
    if (is_outlier(int8_source(a.input[m * a.columns + k]), a.threshold)) found = 1;
  }
  a.result.columns[k] = found;
}

/// The maximum over the block, the same in every thread. `scratch` has one float per warp.
__device__ float block_max(float value, float* scratch) {
  value = warp_max(value);
  if (threadIdx.x % lanes_per_warp == 0) scratch[threadIdx.x / lanes_per_warp] = value;
  __syncthreads();
  float maximum = 0.0F;
  for (unsigned warp = 0; warp < encode_threads / lanes_per_warp; ++warp) maximum = fmaxf(maximum, scratch[warp]);
  return maximum;
}

/// Appends the columns of the threads that have an outlier to the row's list, in ascending order.
__device__ void append_outliers(bool outlier, std::int64_t k, std::int32_t* list, std::int32_t& count,
                                std::int32_t* warp_counts) {
  const unsigned lane = threadIdx.x % lanes_per_warp;
  const unsigned warp = threadIdx.x / lanes_per_warp;
  const unsigned found = __ballot_sync(0xFFFFFFFFU, outlier);
  if (lane == 0) warp_counts[warp] = __popc(found);
  __syncthreads();
  std::int32_t before = count;
  std::int32_t all = 0;
  for (unsigned w = 0; w < encode_threads / lanes_per_warp; ++w) {
    before += w < warp ? warp_counts[w] : 0;
    all += warp_counts[w];
  }
  if (outlier) list[before + __popc(found & ((1U << lane) - 1))] = static_cast<std::int32_t>(k);
  count += all;
  __syncthreads();
}

/// One row per block.
__global__ void int8_rows_kernel(Int8EncodeArguments a) {
  __shared__ float scratch[encode_threads / lanes_per_warp];
  __shared__ std::int32_t warp_counts[encode_threads / lanes_per_warp];
  const std::int64_t row = blockIdx.x;
  const float* const x = a.input + row * a.columns;
  float absmax = 0.0F;
  for (std::int64_t k = threadIdx.x; k < a.columns; k += encode_threads) {
    const float value = magnitude(int8_source(x[k]));
    if (value > absmax && !is_outlier(value, a.threshold)) absmax = value;
  }
  absmax = block_max(absmax, scratch);
  if (threadIdx.x == 0) a.result.absmax[row] = absmax;
  const float multiplier = int8_multiplier(absmax);
  std::int32_t count = 0;
  for (std::int64_t first = 0; first < a.columns; first += encode_threads) {
    const std::int64_t k = first + threadIdx.x;
    const float value = k < a.columns ? int8_source(x[k]) : 0.0F;
    const bool shared = a.result.columns != nullptr;
    const bool outlier = k < a.columns && (shared ? a.result.columns[k] != 0 : is_outlier(value, a.threshold));
    if (k < a.columns) a.result.codes[row * a.columns + k] = outlier ? std::int8_t{0} : encode_int8(value, multiplier);
    if (a.threshold > 0.0F) append_outliers(outlier, k, a.result.outliers + row * a.columns, count, warp_counts);
  }
  if (threadIdx.x == 0) a.result.outlier_counts[row] = count;
}

/// What the outlier columns of a row add to output `output`, in the compute type and in the order of the columns.
__device__ float outlier_product(const ProductArguments& a, const Int8Rows& rows, std::int64_t row, std::int64_t output,
                                 float scale) {
  const std::int64_t columns = a.weight.columns;
  const std::int8_t* const codes = static_cast<const std::int8_t*>(a.weight.codes) + output * columns;
  const std::int32_t* const list = rows.outliers + row * columns;
  float sum = 0.0F;
  for (std::int32_t i = 0; i < rows.outlier_counts[row]; ++i) {
    const std::int32_t k = list[i];
    sum = fmaf(a.input[row * columns + k], round_to(a.compute, decode_int8(codes[k], scale)), sum);
  }
  return sum;
}

__device__ void finish_int8(const ProductArguments& a, const Int8Rows& rows, std::int64_t row, std::int64_t n,
                            std::int32_t integers) {
  const std::int64_t output = a.target.first_output + n;
  const float scale = static_cast<const float*>(a.weight.scales)[output];
  const float product =
      static_cast<float>(integers) * rows.absmax[row] * scale * float_from_bits(int8_product_scale_bits);
  store_product(a, row, n, product + outlier_product(a, rows, row, output, scale));
}

/// One warp per output and up to rows_per_warp rows.
__global__ void int8_product_kernel(ProductArguments a, Int8Rows rows) {
  const WarpWork work = warp_work(a.rows);
  if (work.output >= a.target.outputs) return;
  const std::int64_t lane = threadIdx.x % lanes_per_warp;
  const std::int64_t columns = a.weight.columns;
  const auto* const codes =
      static_cast<const std::int8_t*>(a.weight.codes) + (a.target.first_output + work.output) * columns;
  std::int32_t sums[rows_per_warp] = {};
  const bool words = columns % 16 == 0;
  for (std::int64_t k = lane * 16; words && k < columns; k += 16 * lanes_per_warp) {
    const int4 w = *reinterpret_cast<const int4*>(codes + k);
#pragma unroll
    for (int m = 0; m < rows_per_warp; ++m) {
      if (m >= work.rows) continue;
      const int4 x = *reinterpret_cast<const int4*>(rows.codes + (work.first_row + m) * columns + k);
      sums[m] = __dp4a(w.x, x.x, __dp4a(w.y, x.y, __dp4a(w.z, x.z, __dp4a(w.w, x.w, sums[m]))));
    }
  }
  for (std::int64_t k = lane; !words && k < columns; k += lanes_per_warp) {
#pragma unroll
    for (int m = 0; m < rows_per_warp; ++m) {
      if (m < work.rows) sums[m] += rows.codes[(work.first_row + m) * columns + k] * codes[k];
    }
  }
#pragma unroll
  for (int m = 0; m < rows_per_warp; ++m) {
    std::int32_t sum = sums[m];
    for (int distance = lanes_per_warp / 2; distance > 0; distance /= 2) {
      sum += __shfl_xor_sync(0xFFFFFFFFU, sum, distance);
    }
    if (lane == m && m < work.rows) finish_int8(a, rows, work.first_row + m, work.output, sum);
  }
}

/// One product per thread, from sums that are there.
__global__ void int8_finish_kernel(ProductArguments a, Int8Rows rows, const std::int32_t* integers) {
  const std::int64_t i = thread_number();
  if (i >= a.rows * a.target.outputs) return;
  finish_int8(a, rows, i / a.target.outputs, i % a.target.outputs, integers[i]);
}
}  // namespace

cudaError_t multiply_rounded(cudaStream_t stream, const ProductArguments& arguments) {
  return cursor_kernels(arguments.weight).multiply(stream, arguments);
}

cudaError_t encode_int8_rows(cudaStream_t stream, const Int8EncodeArguments& arguments) {
  if (arguments.result.columns != nullptr) {
    const cudaError_t status = launch(stream, {arguments.columns}, outlier_columns_kernel, arguments);
    if (status != cudaSuccess) return status;
  }
  Blocks blocks;
  blocks.x = arguments.rows;
  blocks.threads = encode_threads;
  return launch_blocks(stream, blocks, int8_rows_kernel, arguments);
}

cudaError_t multiply_int8(cudaStream_t stream, const ProductArguments& product, const Int8Rows& rows,
                          const std::int32_t* integers) {
  if (integers == nullptr) return launch(stream, warp_grid(product), int8_product_kernel, product, rows);
  return launch(stream, {product.rows * product.target.outputs}, int8_finish_kernel, product, rows, integers);
}

}  // namespace quantscope::cuda
