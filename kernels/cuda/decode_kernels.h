// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/weight_view.h"

/// Decoding of whole rows of a weight. All pointers are device memory.
namespace quantscope::cuda {

/// Rows of a weight to be decoded.
struct RowsArguments {
  WeightView weight;
  const std::int32_t* ids = nullptr;  ///< [row_count], which rows; null for first_row and those after it
  std::int64_t first_row = 0;
  std::int64_t row_count = 0;
  ComputeType compute = ComputeType::fp32;  ///< what values are rounded to
  bool narrow = false;                      ///< stored as fp16 or bf16, else as fp32; only with a 16-bit compute type
  void* values = nullptr;                   ///< [row_count, weight.columns], aligned to 16
};
cudaError_t decode_rows(cudaStream_t stream, const RowsArguments& arguments);

/// The same for consecutive rows that become the operand of a matrix product: faster for packed 4-bit codes.
cudaError_t decode_operand(cudaStream_t stream, const RowsArguments& arguments);

}  // namespace quantscope::cuda
