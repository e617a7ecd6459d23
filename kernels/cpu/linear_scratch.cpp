// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/linear_scratch.h"

#include <algorithm>

#include "kernels/cpu/cpu_weight.h"

namespace quantscope {
namespace {
// A multiple of every kernel's panel_rows.
constexpr std::int64_t smallest_tile = 24;
constexpr std::int64_t float_bytes = sizeof(float);

LinearScratch int8_scratch(const IntegerKernel& kernel, std::int64_t columns, std::int64_t rows) {
  const std::int64_t padded = padded_columns(kernel, columns);
  const std::int64_t outputs = tile_outputs(columns);
  constexpr std::int64_t code_bytes = sizeof(std::int16_t);
  LinearScratch scratch;
  scratch.packed = rows * padded * code_bytes;
  scratch.panel = outputs * padded * code_bytes;
  scratch.factors = (columns + 64) * float_bytes;  // a row in fp16; kernels pack whole vectors, of at most 64 values
  scratch.integers = std::min(rows, rows_per_chunk) * outputs * static_cast<std::int64_t>(sizeof(std::int32_t));
  return scratch;
}

LinearScratch rounded_scratch(const LinearKernel& kernel, const WeightAccess& access, std::int64_t rows) {
  const std::int64_t row_bytes = padded_columns(kernel, access.columns) * kernel.element_bytes;
  const std::int64_t outputs = tile_outputs(access.columns);
  LinearScratch scratch;
  scratch.packed = rows * row_bytes;
  scratch.panel = outputs * row_bytes;
  scratch.factors = access.scratch_size(outputs) * float_bytes;
  return scratch;
}
}  // namespace

std::int64_t tile_outputs(std::int64_t columns) { return columns <= 2048 ? 2 * smallest_tile : smallest_tile; }

std::int64_t tile_count(std::int64_t rows, std::int64_t columns) {
  const std::int64_t outputs = tile_outputs(columns);
  return (rows + outputs - 1) / outputs;
}

const LinearKernel& kernel_for(const SimdKernels& kernels, WeightKind kind, ComputeType compute) {
  return kernels.linear[static_cast<std::size_t>(kind)][static_cast<std::size_t>(compute)];
}

LinearScratch linear_scratch(const SimdKernels& kernels, const LinearShape& linear, std::int64_t rows) {
  const WeightAccess access(linear.format, linear.columns);
  LinearScratch scratch = linear.activations == ActivationMode::int8_outliers
                              ? int8_scratch(kernels.integer, linear.columns, rows)
                              : rounded_scratch(kernel_for(kernels, access.kind, linear.compute), access, rows);
  scratch.products = 2 * std::min(rows, rows_per_chunk) * tile_outputs(linear.columns) * float_bytes;
  return scratch;
}

InputPacking input_packing(const SimdKernels& kernels, const LinearShape& linear) {
  if (linear.activations == ActivationMode::int8_outliers) return {linear.activations, linear.compute, nullptr};
  const WeightAccess access(linear.format, linear.columns);
  return {linear.activations, ComputeType::fp32, kernel_for(kernels, access.kind, linear.compute).pack};
}

}  // namespace quantscope
