// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/reference/decode.h"

#include "kernels/formats/affine.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/fp8.h"
#include "kernels/formats/ggml_decode.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"

namespace quantscope::reference {
namespace {

float stored_scale(const TaggedBuffer& scales, ScaleType type, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  switch (type) {
    case ScaleType::float32: return scales.as<float>()[at];
    case ScaleType::float16: return fp16_to_fp32(scales.as<std::uint16_t>()[at]);
    case ScaleType::bfloat16: return bf16_to_fp32(scales.as<std::uint16_t>()[at]);
  }
  return 0.0F;
}

float decode_4bit_element(const QuantizedTensor& tensor, std::int64_t position) {
  const auto byte = std::to_integer<unsigned>(tensor.codes.data()[position / 2]);
  const unsigned code = position % 2 == 0 ? byte >> 4 : byte & 15U;
  const Levels levels = tensor.format.levels;
  const float scale = block_scale(levels, decoded_absmax(tensor, position / tensor.format.block_size));
  return levels_table(levels).values[code] * scale;
}

float decode_affine_element(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column) {
  const WeightFormat& format = tensor.format;
  const std::int64_t groups = groups_per_row(format, tensor.columns);
  const std::int64_t group = format.group_index
                                 ? tensor.group_index.as<std::int32_t>()[static_cast<std::size_t>(column)]
                                 : column / format.block_size;
  const std::uint8_t* codes =
      tensor.codes.as<std::uint8_t>().data() + row * bit_row_bytes(tensor.columns, format.code_bits);
  const int code = bit_code(codes, column, format.code_bits);
  const float scale = stored_scale(tensor.scales, format.scale_type, row * groups + group);
  if (format.zero_point == ZeroPoint::floating)
    return decode_affine(code, stored_scale(tensor.zeros, format.scale_type, row * groups + group), scale);
  if (format.zero_point == ZeroPoint::none) return decode_affine(code, symmetric_zero(format.code_bits), scale);
  const std::uint8_t* zeros = tensor.zeros.as<std::uint8_t>().data() + row * bit_row_bytes(groups, format.code_bits);
  return decode_affine(code, bit_code(zeros, group, format.code_bits), scale);
}

std::int64_t fp8_scale_index(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column) {
  const WeightFormat& format = tensor.format;
  if (format.scale_layout == ScaleLayout::per_row) return row;
  if (format.scale_layout != ScaleLayout::tiles) return 0;
  return row / format.block_size * groups_per_row(format, tensor.columns) + column / format.block_size;
}

float decode_fp8_element(const QuantizedTensor& tensor, std::int64_t position) {
  const float value = decode_fp8_e4m3(tensor.codes.as<std::uint8_t>()[static_cast<std::size_t>(position)]);
  const std::int64_t index = fp8_scale_index(tensor, position / tensor.columns, position % tensor.columns);
  return value * stored_scale(tensor.scales, tensor.format.scale_type, index);
}

float decode_element(const QuantizedTensor& tensor, std::int64_t position) {
  const auto at = static_cast<std::size_t>(position);
  switch (tensor.format.code_type) {
    case CodeType::float32: return tensor.codes.as<float>()[at];
    case CodeType::float16: return fp16_to_fp32(tensor.codes.as<std::uint16_t>()[at]);
    case CodeType::bfloat16: return bf16_to_fp32(tensor.codes.as<std::uint16_t>()[at]);
    case CodeType::signed8:
      return decode_int8(tensor.codes.as<std::int8_t>()[at], decoded_absmax(tensor, position / tensor.columns));
    case CodeType::packed4: return decode_4bit_element(tensor, position);
    case CodeType::ggml_blocks: break;  // decode_rows takes whole rows
    case CodeType::unsigned_bits:
      return decode_affine_element(tensor, position / tensor.columns, position % tensor.columns);
    case CodeType::float8_e4m3: return decode_fp8_element(tensor, position);
  }
  return 0.0F;
}
}  // namespace

float decoded_absmax(const QuantizedTensor& tensor, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  if (!tensor.format.nested_scales) return tensor.scales.as<float>()[at];
  const float level = dynamic_map.values[tensor.scales.as<std::uint8_t>()[at]];
  const float nested_absmax = tensor.nested_absmax.as<float>()[at / nested_block_size];
  return decode_nested_absmax(level, nested_absmax, tensor.nested_offset());
}

void decode_rows(const QuantizedTensor& tensor, std::int64_t first_row, std::int64_t row_count,
                 std::span<float> values) {
  const std::int64_t first = first_row * tensor.columns;
  if (tensor.format.code_type == CodeType::ggml_blocks) {
    const GgmlType type = tensor.format.ggml_type;
    decode_ggml(type, tensor.codes.data() + ggml_bytes(type, first), row_count * tensor.columns, values.data());
    return;
  }
  for (std::int64_t i = 0; i < row_count * tensor.columns; ++i)
    values[static_cast<std::size_t>(i)] = decode_element(tensor, first + i);
}

}  // namespace quantscope::reference
