// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/row_kernels.h"

#include <cmath>

#include "kernels/cuda/launch.h"

namespace quantscope::cuda {
namespace {

__global__ void decode_kernel(WeightView weight, std::int64_t first, std::int64_t count, float* values) {
  const std::int64_t i = thread_number();
  if (i < count) values[i] = decode_at(weight, first + i);
}

__global__ void embed_kernel(WeightView table, const std::int32_t* ids, std::int64_t rows, ComputeType compute,
                             float* hidden) {
  const std::int64_t i = thread_number();
  if (i >= rows * table.columns) return;
  const std::int64_t position = ids[i / table.columns] * table.columns + i % table.columns;
  hidden[i] = round_to(compute, decode_at(table, position));
}

/// One row per thread. The sum is in float64, so that it does not depend on an order.
__global__ void norm_factor_kernel(NormArguments a) {
  const std::int64_t row = thread_number();
  if (row >= a.rows) return;
  const float* x = a.input + (a.picked == nullptr ? row : a.picked[row]) * a.columns;
  double sum = 0.0;
  for (std::int64_t k = 0; k < a.columns; ++k) sum += static_cast<double>(x[k]) * static_cast<double>(x[k]);
  const float mean = static_cast<float>(sum / static_cast<double>(a.columns));
  a.factors[row] = 1.0F / sqrtf(mean + a.epsilon);
}

__global__ void norm_kernel(NormArguments a) {
  const std::int64_t i = thread_number();
  if (i >= a.rows * a.columns) return;
  const std::int64_t row = i / a.columns;
  const std::int64_t k = i % a.columns;
  const std::int64_t from = (a.picked == nullptr ? row : a.picked[row]) * a.columns + k;
  a.output[i] = a.input[from] * a.factors[row] * (a.weight_offset + decode_at(a.weight, k));
}

__global__ void round_kernel(const float* input, std::int64_t count, ComputeType compute, float* output) {
  const std::int64_t i = thread_number();
  if (i < count) output[i] = round_to(compute, input[i]);
}

__device__ float activate(GateActivation activation, float x) {
  const float argument = activation == GateActivation::silu ? x : gelu_argument_scale * (x + gelu_cubic * x * x * x);
  return x / (1.0F + expf(-argument));
}

__global__ void gate_kernel(const float* gate, const float* up, std::int64_t count, GateActivation activation,
                            float* output) {
  const std::int64_t i = thread_number();
  if (i < count) output[i] = activate(activation, gate[i]) * up[i];
}

__global__ void scale_kernel(float* values, std::int64_t count, float factor) {
  const std::int64_t i = thread_number();
  if (i < count) values[i] *= factor;
}

__global__ void add_kernel(const float* values, std::int64_t count, float* target) {
  const std::int64_t i = thread_number();
  if (i < count) target[i] += values[i];
}

__global__ void cap_kernel(float* values, std::int64_t count, float cap) {
  const std::int64_t i = thread_number();
  if (i < count) values[i] = cap * tanhf(values[i] / cap);
}
}  // namespace

cudaError_t row_kernels_status() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, gate_kernel);
}

cudaError_t decode_values(cudaStream_t stream, const WeightView& weight, std::int64_t first, std::int64_t count,
                          float* values) {
  return launch(stream, {count}, decode_kernel, weight, first, count, values);
}

cudaError_t embed_rows(cudaStream_t stream, const WeightView& table, const std::int32_t* ids, std::int64_t rows,
                       ComputeType compute, float* hidden) {
  return launch(stream, {rows * table.columns}, embed_kernel, table, ids, rows, compute, hidden);
}

cudaError_t normalize_rows(cudaStream_t stream, const NormArguments& arguments) {
  if (const cudaError_t status = launch(stream, {arguments.rows}, norm_factor_kernel, arguments);
      status != cudaSuccess) {
    return status;
  }
  return launch(stream, {arguments.rows * arguments.columns}, norm_kernel, arguments);
}

cudaError_t round_values(cudaStream_t stream, const float* input, std::int64_t count, ComputeType compute,
                         float* output) {
  return launch(stream, {count}, round_kernel, input, count, compute, output);
}

cudaError_t gate_values(cudaStream_t stream, const float* gate, const float* up, std::int64_t count,
                        GateActivation activation, float* output) {
  return launch(stream, {count}, gate_kernel, gate, up, count, activation, output);
}

cudaError_t scale_values(cudaStream_t stream, float* values, std::int64_t count, float factor) {
  return launch(stream, {count}, scale_kernel, values, count, factor);
}

cudaError_t add_values(cudaStream_t stream, const float* values, std::int64_t count, float* target) {
  return launch(stream, {count}, add_kernel, values, count, target);
}

cudaError_t cap_values(cudaStream_t stream, float* values, std::int64_t count, float cap) {
  return launch(stream, {count}, cap_kernel, values, count, cap);
}

}  // namespace quantscope::cuda
