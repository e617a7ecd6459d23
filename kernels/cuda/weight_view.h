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
  const void* scales = nullptr;           ///< float absmax, or uint8 codes of the dynamic map when nested
  const float* nested_absmax = nullptr;   ///< one per 256 scales, then the offset; null unless nested
  const float* dynamic_levels = nullptr;  ///< the device's copy of dynamic_map
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t values_per_scale = 0;  ///< consecutive values of the flat matrix; 0 for dense types
  std::int64_t nested_blocks = 0;
  CodeType code_type = CodeType::float32;
  Levels levels = Levels::identity;
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

/// The value at a position of the flat matrix, whose factor is known.
__device__ inline float decode_value(const WeightView& weight, std::int64_t position, float factor) {
  switch (weight.code_type) {
    case CodeType::float32: return static_cast<const float*>(weight.codes)[position];
    case CodeType::float16: return fp16_to_fp32(static_cast<const std::uint16_t*>(weight.codes)[position]);
    case CodeType::bfloat16: return bf16_to_fp32(static_cast<const std::uint16_t*>(weight.codes)[position]);
    case CodeType::signed8: return decode_int8(static_cast<const std::int8_t*>(weight.codes)[position], factor);
    case CodeType::packed4:
    case CodeType::ggml_blocks:
    case CodeType::unsigned_bits:  // refused on upload, as is float8_e4m3
    case CodeType::float8_e4m3: break;
  }
  const int pair = static_cast<const std::uint8_t*>(weight.codes)[position / 2];
  return level_of(weight.levels, position % 2 == 0 ? pair >> 4 : pair & 15) * factor;
}

/// The value at a position of the flat matrix.
__device__ inline float decode_at(const WeightView& weight, std::int64_t position) {
  const bool scaled = weight.values_per_scale != 0;
  return decode_value(weight, position, scaled ? factor_at(weight, position / weight.values_per_scale) : 1.0F);
}

/// Decodes consecutive values of the flat matrix and reads each scale once.
class WeightCursor {
 public:
  __device__ WeightCursor(const WeightView& weight, std::int64_t position)
      : weight_(weight), position_(position), factor_end_(weight.values_per_scale != 0 ? position : -1) {}

  __device__ float next() {
    if (position_ == factor_end_) {
      const std::int64_t index = position_ / weight_.values_per_scale;
      factor_ = factor_at(weight_, index);
      factor_end_ = (index + 1) * weight_.values_per_scale;
    }
    return decode_value(weight_, position_++, factor_);
  }

 private:
  const WeightView& weight_;
  std::int64_t position_;
  std::int64_t factor_end_;  // where the next scale begins; negative when there are none
  float factor_ = 1.0F;
};

}  // namespace quantscope::cuda
