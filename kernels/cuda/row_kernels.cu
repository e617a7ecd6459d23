// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/row_kernels.h"

#include <cmath>

#include "kernels/cuda/activate.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/row_preparation.h"

namespace quantscope::cuda {
namespace {

__device__ std::uint16_t narrowed(ComputeType compute, float value) {
  return compute == ComputeType::fp16 ? fp32_to_fp16(value) : fp32_to_bf16(value);
}

__device__ const float* input_row(const PrepareArguments& a, std::int64_t row) {
  return a.input + (a.picked == nullptr ? row : a.picked[row]) * a.columns;
}

/// One row per block, four columns at a time.
__global__ void prepare_kernel(PrepareArguments a) {
  __shared__ float scratch[preparing_threads / lanes_per_warp];
  ptx::let_next_kernel_start();
  const std::int64_t row = blockIdx.x;
  RowSource source{a.input, nullptr, static_cast<int>(a.columns), a.norm, a.epsilon, a.norm_offset};
  if (a.picked == nullptr) {
    source.values += row * a.columns;
  } else {
    source.picked = a.picked + row;
  }
  prepare_row(source, scratch, [&](int quad, const float4& v) {
    const std::int64_t at = row * a.columns / 4 + quad;
    if (a.narrow != nullptr) {
      const std::uint32_t low = narrowed(a.compute, v.x) | static_cast<std::uint32_t>(narrowed(a.compute, v.y)) << 16;
      const std::uint32_t high = narrowed(a.compute, v.z) | static_cast<std::uint32_t>(narrowed(a.compute, v.w)) << 16;
      reinterpret_cast<uint2*>(a.narrow)[at] = {low, high};
    } else {
      reinterpret_cast<float4*>(a.wide)[at] = {round_to(a.compute, v.x), round_to(a.compute, v.y),
                                               round_to(a.compute, v.z), round_to(a.compute, v.w)};
    }
  });
}

/// The same for columns that are no multiple of 4.
__global__ void prepare_odd_kernel(PrepareArguments a) {
  __shared__ float scratch[preparing_threads / lanes_per_warp];
  const std::int64_t row = blockIdx.x;
  const float* const x = input_row(a, row);
  float factor = 1.0F;
  if (a.norm != nullptr) {
    float squares = 0.0F;
    for (std::int64_t k = threadIdx.x; k < a.columns; k += preparing_threads) squares = fmaf(x[k], x[k], squares);
    factor = 1.0F / sqrtf(block_sum<preparing_threads>(squares, scratch) / static_cast<float>(a.columns) + a.epsilon);
  }
  for (std::int64_t k = threadIdx.x; k < a.columns; k += preparing_threads) {
    const float value = a.norm != nullptr ? x[k] * factor * (a.norm_offset + a.norm[k]) : x[k];
    if (a.narrow != nullptr) {
      a.narrow[row * a.columns + k] = narrowed(a.compute, value);
    } else {
      a.wide[row * a.columns + k] = round_to(a.compute, value);
    }
  }
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

__global__ void bias_kernel(float* values, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                            const float* bias) {
  const std::int64_t i = thread_number();
  if (i < rows * columns) values[i / columns * stride + i % columns] += bias[i % columns];
}
}  // namespace

cudaError_t row_kernels_status() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, gate_kernel);
}

cudaError_t prepare_rows(cudaStream_t stream, const PrepareArguments& arguments) {
  Blocks blocks;
  blocks.x = arguments.rows;
  blocks.threads = preparing_threads;
  if (arguments.columns % 4 != 0) return launch_blocks(stream, blocks, prepare_odd_kernel, arguments);
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, prepare_kernel, arguments);
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

cudaError_t add_bias(cudaStream_t stream, float* values, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                     const float* bias) {
  return launch(stream, {rows * columns}, bias_kernel, values, stride, rows, columns, bias);
}

}  // namespace quantscope::cuda
