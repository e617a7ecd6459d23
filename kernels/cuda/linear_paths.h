// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cuda/few_rows_products.h"
#include "kernels/cuda/linear_kernels.h"

/// Which kernel multiplies: the one place that decides. Results of one row are the same for every number of rows within
/// `few_rows`, `warps` and `int8_warps`/`int8_library` (whose integer sums are exact); `library` sums in the order that
/// cuBLAS chooses for the number of rows, and all paths but the int8 ones sum in different orders.
namespace quantscope::cuda {

enum class LinearPath : std::uint8_t {
  few_rows,      ///< weights decoded in registers, tensor cores: few_rows_products.h
  warps,         ///< a warp per output, any shape and format: linear_kernels.h
  library,       ///< weights decoded to the compute type in tiles, then cuBLAS: matrix_library.h
  int8_warps,    ///< LLM.int8(), a warp per output
  int8_library,  ///< LLM.int8(), cuBLAS on bytes
};

// Assumptions, not yet from a benchmark.
inline constexpr std::int64_t largest_few_rows = 64;
inline constexpr std::int64_t largest_warp_rows = 16;
/// The first compute capability whose tensor cores take bf16 and fp16 in m16n8k16.
inline constexpr int tensor_core_capability = 80;

/// Whether operands are kept in 16 bits. On older GPUs they are rounded to the compute type and multiplied in fp32.
inline bool narrow_operands(ComputeType compute, int capability) {
  return compute != ComputeType::fp32 && capability >= tensor_core_capability;
}

/// Whether cuBLAS reads the weight as it is stored.
inline bool is_operand(const WeightView& weight, ComputeType operands, ComputeType compute) {
  return weight.code_type == code_type_of(operands) && operands == compute;
}

inline LinearPath choose_path(const WeightView& weight, std::int64_t rows, ComputeType compute, ActivationMode mode,
                              int capability) {
  if (mode == ActivationMode::int8_outliers) {
    const bool aligned = weight.columns % 4 == 0 && weight.rows % 4 == 0;
    return rows > largest_warp_rows && aligned ? LinearPath::int8_library : LinearPath::int8_warps;
  }
  if (narrow_operands(compute, capability) && rows <= largest_few_rows && few_rows_fits(weight)) {
    return LinearPath::few_rows;
  }
  return rows <= largest_warp_rows ? LinearPath::warps : LinearPath::library;
}

}  // namespace quantscope::cuda
