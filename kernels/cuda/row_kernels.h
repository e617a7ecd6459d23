// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/half.h"
#include "kernels/gate_activation.h"

/// Kernels over rows of activations. Each function queues one kernel; all pointers are device memory.
namespace quantscope::cuda {

/// Whether this build has code for the current GPU.
cudaError_t row_kernels_status();

/// How rows of activations become operands: RMSNorm, or as they are, then rounded.
struct PrepareArguments {
  const float* input = nullptr;
  const std::int32_t* picked = nullptr;  ///< input rows in order; null for all
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const float* norm = nullptr;  ///< weights of the norm; null for none
  float epsilon = 0.0F;
  float norm_offset = 0.0F;                 ///< added to each weight of the norm
  ComputeType compute = ComputeType::fp32;  ///< what values are rounded to
  std::uint16_t* narrow = nullptr;          ///< [rows, columns] as fp16 or bf16; or
  float* wide = nullptr;                    ///< as fp32
};
cudaError_t prepare_rows(cudaStream_t stream, const PrepareArguments& arguments);

/// output[i] = activation(gate[i]) * up[i].
cudaError_t gate_values(cudaStream_t stream, const float* gate, const float* up, std::int64_t count,
                        GateActivation activation, float* output);

/// values[i] *= factor.
cudaError_t scale_values(cudaStream_t stream, float* values, std::int64_t count, float factor);

/// target[i] += values[i].
cudaError_t add_values(cudaStream_t stream, const float* values, std::int64_t count, float* target);

/// values[i] = cap * tanh(values[i] / cap).
cudaError_t cap_values(cudaStream_t stream, float* values, std::int64_t count, float cap);

/// values[m * stride + n] += bias[n] for n < columns.
cudaError_t add_bias(cudaStream_t stream, float* values, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                     const float* bias);

}  // namespace quantscope::cuda
