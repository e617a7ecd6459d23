// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/weight_view.h"
#include "kernels/gate_activation.h"

/// Kernels over rows of activations and decoded weights. Each function queues one kernel or two; all pointers are
/// device memory.
namespace quantscope::cuda {

/// Whether this build has code for the current GPU.
cudaError_t row_kernels_status();

/// values[i] = the weight's value at flat position first + i, not rounded.
cudaError_t decode_values(cudaStream_t stream, const WeightView& weight, std::int64_t first, std::int64_t count,
                          float* values);

/// hidden[r] = row ids[r] of the table, rounded.
cudaError_t embed_rows(cudaStream_t stream, const WeightView& table, const std::int32_t* ids, std::int64_t rows,
                       ComputeType compute, float* hidden);

/// What RMSNorm reads and writes.
struct NormArguments {
  const float* input = nullptr;
  const std::int32_t* picked = nullptr;  ///< input rows in order; null for all
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  WeightView weight;
  float epsilon = 0.0F;
  float weight_offset = 0.0F;  ///< added to each weight
  float* factors = nullptr;    ///< scratch [rows]
  float* output = nullptr;     ///< [rows, columns]
};
cudaError_t normalize_rows(cudaStream_t stream, const NormArguments& arguments);

/// output[i] = input[i] rounded to the compute type.
cudaError_t round_values(cudaStream_t stream, const float* input, std::int64_t count, ComputeType compute,
                         float* output);

/// output[i] = activation(gate[i]) * up[i].
cudaError_t gate_values(cudaStream_t stream, const float* gate, const float* up, std::int64_t count,
                        GateActivation activation, float* output);

/// values[i] *= factor.
cudaError_t scale_values(cudaStream_t stream, float* values, std::int64_t count, float factor);

/// target[i] += values[i].
cudaError_t add_values(cudaStream_t stream, const float* values, std::int64_t count, float* target);

/// values[i] = cap * tanh(values[i] / cap).
cudaError_t cap_values(cudaStream_t stream, float* values, std::int64_t count, float cap);

}  // namespace quantscope::cuda
