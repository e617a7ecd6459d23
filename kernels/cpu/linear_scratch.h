// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cpu/simd_kernels.h"
#include "kernels/workload.h"

/// How large the scratch of a linear is. LinearRunner reserves by it, forecasts add it up.
namespace quantscope {

/// Activation rows multiplied with a weight tile before the sink gets them.
inline constexpr std::int64_t rows_per_chunk = 64;

/// Weight rows that one task handles. Depends on the weight's width alone, so that what is summed per tile is as well.
std::int64_t tile_outputs(std::int64_t columns);
/// Tiles of a weight of this shape.
std::int64_t tile_count(std::int64_t rows, std::int64_t columns);

/// The kernel for a format at a compute type.
const LinearKernel& kernel_for(const SimdKernels& kernels, WeightKind kind, ComputeType compute);

/// Length of a packed row.
template <class Kernel>
std::int64_t padded_columns(const Kernel& kernel, std::int64_t columns) {
  return (columns + kernel.step - 1) / kernel.step * kernel.step;
}

/// Bytes that one linear needs.
struct LinearScratch {
  std::int64_t packed = 0;  ///< its input, rounded or coded: all rows
  std::int64_t panel = 0;   ///< per worker, as are the rest
  std::int64_t factors = 0;
  std::int64_t integers = 0;
  std::int64_t products = 0;  ///< for a pair of linears of this shape
};
LinearScratch linear_scratch(const SimdKernels& kernels, const LinearShape& linear, std::int64_t rows);

/// How an input is made ready for a linear. Linears that agree in it share what is made of one input.
struct InputPacking {
  ActivationMode activations = ActivationMode::rounded;
  ComputeType compute = ComputeType::fp32;                    ///< int8_outliers: that of the outliers
  void (*pack)(const float*, std::int64_t, void*) = nullptr;  ///< rounded: the kernel's

  bool operator==(const InputPacking&) const = default;
};
InputPacking input_packing(const SimdKernels& kernels, const LinearShape& linear);

}  // namespace quantscope
