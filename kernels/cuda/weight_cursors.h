// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/weight_view.h"
#include "kernels/formats/affine.h"
#include "kernels/formats/fp8.h"
#include "kernels/formats/ggml_part.h"

/// Decoding of the values of a row one after the other, for every format: one class per way of storing weights. A
/// cursor begins at a column that is a multiple of `values_at_once`; from there so many values, and none beyond the end
/// of the row, may be taken. Each value has the bits that kernels/cpu/reference/decode.h gives.
namespace quantscope::cuda {

/// Dense types, signed bytes with a scale per row, and packed 4-bit codes with a scale per flat block. Each scale is
/// read once.
class FlatCursor {
 public:
  static constexpr int values_at_once = 8;

  __device__ FlatCursor(const WeightView& weight, std::int64_t row, std::int64_t column)
      : weight_(weight),
        position_(row * weight.columns + column),
        factor_end_(weight.values_per_scale != 0 ? position_ : -1) {}

  __device__ float next() {
    if (position_ == factor_end_) {
      const std::int64_t index = position_ / weight_.values_per_scale;
      factor_ = factor_at(weight_, index);
      factor_end_ = (index + 1) * weight_.values_per_scale;
    }
    return value_at(position_++);
  }

 private:
  __device__ float value_at(std::int64_t position) const {
    switch (weight_.code_type) {
      case CodeType::float32: return static_cast<const float*>(weight_.codes)[position];
      case CodeType::float16: return fp16_to_fp32(static_cast<const std::uint16_t*>(weight_.codes)[position]);
      case CodeType::bfloat16: return bf16_to_fp32(static_cast<const std::uint16_t*>(weight_.codes)[position]);
      case CodeType::signed8: return decode_int8(static_cast<const std::int8_t*>(weight_.codes)[position], factor_);
      case CodeType::packed4:
      case CodeType::unsigned_bits:  // these three have cursors of their own
      case CodeType::float8_e4m3:
      case CodeType::ggml_blocks: break;
    }
    const int pair = static_cast<const std::uint8_t*>(weight_.codes)[position / 2];
    return level_of(weight_.levels, position % 2 == 0 ? pair >> 4 : pair & 15) * factor_;
  }

  const WeightView& weight_;
  std::int64_t position_;
  std::int64_t factor_end_;  // where the next scale begins; negative when there are none
  float factor_ = 1.0F;
};

/// Value `index` of an array of scales or zero points.
__device__ inline float stored_scale(const void* scales, ScaleType type, std::int64_t index) {
  if (type == ScaleType::float32) return static_cast<const float*>(scales)[index];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(scales)[index];
  return type == ScaleType::float16 ? fp16_to_fp32(bits) : bf16_to_fp32(bits);
}

/// Affine codes in groups along K, whose columns may be in any order.
class AffineCursor {
 public:
  static constexpr int values_at_once = 8;

  __device__ AffineCursor(const WeightView& weight, std::int64_t row, std::int64_t column)
      : weight_(weight),
        row_(row),
        column_(column),
        codes_(static_cast<const std::uint8_t*>(weight.codes) + row * weight.code_row_bytes) {}

  __device__ float next() {
    if (weight_.group_index != nullptr) {
      enter(weight_.group_index[column_]);
    } else if (column_ >= group_end_) {
      const std::int64_t group = column_ / weight_.scale_columns;
      enter(group);
      group_end_ = (group + 1) * weight_.scale_columns;
    }
    return decode_affine(bit_code(codes_, column_++, weight_.code_bits), zero_, scale_);
  }

 private:
  __device__ void enter(std::int64_t group) {
    const std::int64_t index = row_ * weight_.scales_per_row + group;
    scale_ = stored_scale(weight_.scales, weight_.scale_type, index);
    switch (weight_.zero_point) {
      case ZeroPoint::none: zero_ = static_cast<float>(symmetric_zero(weight_.code_bits)); break;
      case ZeroPoint::floating: zero_ = stored_scale(weight_.zeros, weight_.scale_type, index); break;
      case ZeroPoint::integer: {
        const auto* const zeros = static_cast<const std::uint8_t*>(weight_.zeros) + row_ * weight_.zero_row_bytes;
        zero_ = static_cast<float>(bit_code(zeros, group, weight_.code_bits));
        break;
      }
    }
  }

  const WeightView& weight_;
  std::int64_t row_;
  std::int64_t column_;
  const std::uint8_t* codes_;
  std::int64_t group_end_ = 0;  // where the next group begins
  float zero_ = 0.0F;
  float scale_ = 0.0F;
};

/// FP8 with a scale per row, tile or matrix.
class Fp8Cursor {
 public:
  static constexpr int values_at_once = 8;

  __device__ Fp8Cursor(const WeightView& weight, std::int64_t row, std::int64_t column)
      : weight_(weight), row_(row), column_(column) {}

  __device__ float next() {
    if (column_ >= scale_end_) {
      const std::int64_t across = column_ / weight_.scale_columns;
      scale_ =
          stored_scale(weight_.scales, weight_.scale_type, row_ / weight_.scale_rows * weight_.scales_per_row + across);
      scale_end_ = (across + 1) * weight_.scale_columns;
    }
    const std::uint8_t code = static_cast<const std::uint8_t*>(weight_.codes)[row_ * weight_.columns + column_++];
    return decode_fp8_e4m3(code) * scale_;
  }

 private:
  const WeightView& weight_;
  std::int64_t row_;
  std::int64_t column_;
  std::int64_t scale_end_ = 0;  // where the next scale begins
  float scale_ = 0.0F;
};

/// The code book of a type in device memory; null where it has none. Those that have one are in cursor_kernels_iq.cu.
template <GgmlType type>
__device__ inline const std::uint16_t* ggml_grid() {
  return nullptr;
}

/// Blocks of a GGUF file, which are whole within a row.
template <GgmlType type>
class GgmlCursor {
 public:
  static constexpr int values_at_once = ggml_part_values;

  __device__ GgmlCursor(const WeightView& weight, std::int64_t row, std::int64_t column) {
    const std::int64_t part = (row * weight.columns + column) / ggml_part_values;
    const auto* const block = static_cast<const std::byte*>(weight.codes) + part / parts_per_block * block_bytes;
    decode_ggml_part<type>(block, static_cast<int>(part % parts_per_block), ggml_grid<type>(), values_);
  }

  __device__ float next() { return values_[taken_++]; }

 private:
  static constexpr std::int64_t parts_per_block = ggml_type_info(type).block_values / ggml_part_values;
  static constexpr std::int64_t block_bytes = ggml_type_info(type).block_bytes;

  float values_[ggml_part_values];
  int taken_ = 0;
};

}  // namespace quantscope::cuda
