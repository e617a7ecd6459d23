// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/weight_view.h"

/// Matrix products of any shape and format with fp32 sums, and those of LLM.int8(). A row's result does not depend on
/// the rows beside it. All pointers are device memory.
namespace quantscope::cuda {

/// Where products go: row m, output n lies at values[m * stride + n].
struct ProductTarget {
  float* values = nullptr;
  std::int64_t stride = 0;
  std::int64_t first_output = 0;  ///< weight row of n = 0
  std::int64_t outputs = 0;
  bool add = false;  ///< to what is there
};

struct ProductArguments {
  const float* input = nullptr;  ///< [rows, weight.columns], rounded to the compute type
  std::int64_t rows = 0;
  WeightView weight;
  const float* bias = nullptr;  ///< null when there is none
  ComputeType compute = ComputeType::fp32;
  ProductTarget target;
};
/// One warp per output and up to eight rows: for weights and GPUs that faster kernels do not know.
cudaError_t multiply_rounded(cudaStream_t stream, const ProductArguments& arguments);

/// The 8-bit side of LLM.int8().
struct Int8Rows {
  std::int8_t* codes = nullptr;            ///< [rows, columns], 0 in outlier columns
  float* absmax = nullptr;                 ///< [rows], outliers left out
  std::int32_t* outliers = nullptr;        ///< [rows, columns]: columns that are outliers of the row, ascending
  std::int32_t* outlier_counts = nullptr;  ///< [rows]
  std::uint8_t* columns = nullptr;  ///< [columns], 1 where any row has an outlier; null when each row has its own
};
struct Int8EncodeArguments {
  const float* input = nullptr;  ///< [rows, columns], not rounded
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  float threshold = 0.0F;  ///< 0 = no outliers
  Int8Rows result;
};
cudaError_t encode_int8_rows(cudaStream_t stream, const Int8EncodeArguments& arguments);

/// `product.input` is rounded to the compute type for the outlier columns. `product.weight` is signed8 with one scale
/// per row and at most largest_int8_columns columns. `integers` are products [rows, target.outputs] of the codes that
/// are there already, or null.
cudaError_t multiply_int8(cudaStream_t stream, const ProductArguments& product, const Int8Rows& rows,
                          const std::int32_t* integers);

/// The most products of two 8-bit codes whose sum fits 32 bits.
inline constexpr std::int64_t largest_int8_columns = 133144;

/// Activation rows that a warp multiplies with a decoded weight.
inline constexpr std::int64_t rows_per_warp = 8;

}  // namespace quantscope::cuda
