// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"

namespace quantscope::cuda {

/// A weight [rows, columns] as kernels see it; all pointers are device memory.
struct WeightView {
  const void* codes = nullptr;
  const void* scales = nullptr;           ///< in scale_type, or uint8 codes of the dynamic map when nested
  const float* nested_absmax = nullptr;   ///< one per 256 scales, then the offset; null unless nested
  const float* dynamic_levels = nullptr;  ///< the device's copy of dynamic_map
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t values_per_scale = 0;  ///< consecutive values of the flat matrix; 0 where scales lie otherwise
  std::int64_t nested_blocks = 0;
  CodeType code_type = CodeType::float32;
  Levels levels = Levels::identity;

  // unsigned_bits and float8_e4m3: scales are row-major, one for scale_rows rows and scale_columns columns.
  ScaleType scale_type = ScaleType::float32;
  std::int64_t scale_rows = 1;
  std::int64_t scale_columns = 1;
  std::int64_t scales_per_row = 0;            ///< scales side by side
  const std::int32_t* group_index = nullptr;  ///< [columns], the scale of a column; null for column / scale_columns
  bool columns_in_order = true;               ///< whether there is no group_index
  const void* zeros = nullptr;                ///< one per scale; null where codes are symmetric
  std::int64_t code_row_bytes = 0;            ///< of a row of codes,
  std::int64_t zero_row_bytes = 0;            ///< and of a row of zero points that are codes
  ZeroPoint zero_point = ZeroPoint::none;
  int code_bits = 0;

  GgmlType ggml_type = GgmlType::f32;  ///< ggml_blocks only
};

/// The code type of values of a compute type.
inline CodeType code_type_of(ComputeType compute) {
  if (compute == ComputeType::fp32) return CodeType::float32;
  return compute == ComputeType::fp16 ? CodeType::float16 : CodeType::bfloat16;
}

/// The absmax of block or row `index`.
__device__ inline float absmax_at(const WeightView& weight, std::int64_t index) {
  if (weight.nested_absmax == nullptr) return static_cast<const float*>(weight.scales)[index];
  const float level = weight.dynamic_levels[static_cast<const std::uint8_t*>(weight.scales)[index]];
  return decode_nested_absmax(level, weight.nested_absmax[index / nested_block_size],
                              weight.nested_absmax[weight.nested_blocks]);
}

/// What the codes of block or row `index` are multiplied by.
__device__ inline float factor_at(const WeightView& weight, std::int64_t index) {
  return block_scale(weight.levels, absmax_at(weight, index));
}

__device__ inline float level_of(Levels levels, int code) {
  if (levels == Levels::nf4) return decode_nf4(code);
  return levels == Levels::fp4 ? decode_fp4(code) : decode_int4(code);
}

}  // namespace quantscope::cuda
