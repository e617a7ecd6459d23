// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/weight_view.h"

/// Decoding of whole stretches of a weight. All pointers are device memory.
namespace quantscope::cuda {

/// values[i] = the weight's value at flat position first + i, not rounded.
cudaError_t decode_values(cudaStream_t stream, const WeightView& weight, std::int64_t first, std::int64_t count,
                          float* values);

/// The operand of a matrix product: rows [first_row, first_row + row_count) rounded to `compute`, as fp16 or bf16 when
/// `narrow`, else as fp32. Precondition: narrow only with a 16-bit compute type.
cudaError_t decode_operand(cudaStream_t stream, const WeightView& weight, std::int64_t first_row,
                           std::int64_t row_count, ComputeType compute, bool narrow, void* values);

}  // namespace quantscope::cuda
