// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/linear_kernels.h"

#include <cmath>

#include "kernels/cuda/launch.h"

namespace quantscope::cuda {
namespace {
// float32(1 / 127^2) as CUDA code of bitsandbytes writes it, 6.200012e-05.
constexpr std::uint32_t int8_product_scale_bits = 0x38820610U;

/// Rows that the calling thread works on.
struct RowGroup {
  std::int64_t first;
  std::int64_t count;
};

__device__ RowGroup row_group(std::int64_t rows) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * rows_per_thread;
  const std::int64_t left = rows - first;
  return {first, left < rows_per_thread ? left : rows_per_thread};
}

Grid grid_of(const ProductArguments& arguments) {
  return {arguments.target.outputs, (arguments.rows + rows_per_thread - 1) / rows_per_thread};
}

__device__ void store(const ProductArguments& a, std::int64_t row, std::int64_t n, float product) {
  if (a.bias.codes != nullptr) product += decode_at(a.bias, a.target.first_output + n);
  float& value = a.target.values[row * a.target.stride + n];
  value = a.target.add ? value + product : product;
}

/// One output of up to rows_per_thread rows per thread.
__global__ void product_kernel(ProductArguments a) {
  const std::int64_t n = thread_number();
  if (n >= a.target.outputs) return;
  const RowGroup group = row_group(a.rows);
  const std::int64_t columns = a.weight.columns;
  const float* x = a.input + group.first * columns;
  WeightCursor weights(a.weight, (a.target.first_output + n) * columns);
  float sums[rows_per_thread] = {};
  for (std::int64_t k = 0; k < columns; ++k) {
    const float w = round_to(a.compute, weights.next());
    for (std::int64_t m = 0; m < rows_per_thread; ++m) {
      if (m < group.count) sums[m] = fmaf(x[m * columns + k], w, sums[m]);
    }
  }
  for (std::int64_t m = 0; m < group.count; ++m) store(a, group.first + m, n, sums[m]);
}

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

/// One row per thread.
__global__ void row_absmax_kernel(Int8EncodeArguments a) {
  const std::int64_t row = thread_number();
  if (row >= a.rows) return;
  float absmax = 0.0F;
  for (std::int64_t k = 0; k < a.columns; ++k) {
    const float value = magnitude(int8_source(a.input[row * a.columns + k]));
    if (value > absmax && !is_outlier(value, a.threshold)) absmax = value;
  }
  a.result.absmax[row] = absmax;
}

/// One value per thread.
__global__ void int8_codes_kernel(Int8EncodeArguments a) {
  const std::int64_t i = thread_number();
  if (i >= a.rows * a.columns) return;
  const float value = int8_source(a.input[i]);
  const bool shared = a.result.columns != nullptr;
  const bool outlier = shared ? a.result.columns[i % a.columns] != 0 : is_outlier(value, a.threshold);
  const float multiplier = int8_multiplier(a.result.absmax[i / a.columns]);
  a.result.codes[i] = outlier ? std::int8_t{0} : encode_int8(value, multiplier);
  a.result.outliers[i] = outlier ? 1 : 0;
}

/// One output of up to rows_per_thread rows per thread: integer sums, and the outlier columns in the compute type.
__global__ void int8_product_kernel(ProductArguments a, Int8Rows rows) {
  const std::int64_t n = thread_number();
  if (n >= a.target.outputs) return;
  const RowGroup group = row_group(a.rows);
  const std::int64_t columns = a.weight.columns;
  const std::int64_t output = a.target.first_output + n;
  const std::int8_t* codes = static_cast<const std::int8_t*>(a.weight.codes) + output * columns;
  const float scale = absmax_at(a.weight, output);
  for (std::int64_t row = group.first; row < group.first + group.count; ++row) {
    std::int32_t integers = 0;
    float outliers = 0.0F;
    for (std::int64_t k = 0; k < columns; ++k) {
      const std::int64_t at = row * columns + k;
      integers += rows.codes[at] * codes[k];
      if (rows.outliers[at] != 0) {
        outliers = fmaf(a.input[at], round_to(a.compute, decode_int8(codes[k], scale)), outliers);
      }
    }
    const float product_scale = float_from_bits(int8_product_scale_bits);
    const float product = static_cast<float>(integers) * rows.absmax[row] * scale * product_scale;
    store(a, row, n, product + outliers);
  }
}
}  // namespace

cudaError_t multiply_rounded(cudaStream_t stream, const ProductArguments& arguments) {
  return launch(stream, grid_of(arguments), product_kernel, arguments);
}

cudaError_t encode_int8_rows(cudaStream_t stream, const Int8EncodeArguments& arguments) {
  if (arguments.result.columns != nullptr) {
    const cudaError_t status = launch(stream, {arguments.columns}, outlier_columns_kernel, arguments);
    if (status != cudaSuccess) return status;
  }
  const cudaError_t status = launch(stream, {arguments.rows}, row_absmax_kernel, arguments);
  if (status != cudaSuccess) return status;
  return launch(stream, {arguments.rows * arguments.columns}, int8_codes_kernel, arguments);
}

cudaError_t multiply_int8(cudaStream_t stream, const ProductArguments& product, const Int8Rows& rows) {
  return launch(stream, grid_of(product), int8_product_kernel, product, rows);
}

}  // namespace quantscope::cuda
