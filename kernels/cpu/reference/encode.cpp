// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/reference/encode.h"

#include <algorithm>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/ggml_encode.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"

namespace quantscope::reference {
namespace {

void encode_dense(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor) {
  const auto at = static_cast<std::size_t>(first);
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (tensor.format.code_type) {
      case CodeType::float16: tensor.codes.as<std::uint16_t>()[at + i] = fp32_to_fp16(values[i]); break;
      case CodeType::bfloat16: tensor.codes.as<std::uint16_t>()[at + i] = fp32_to_bf16(values[i]); break;
      default: tensor.codes.as<float>()[at + i] = values[i]; break;
    }
  }
}

void encode_row(std::span<const float> values, std::span<std::int8_t> codes, float& absmax) {
  absmax = 0.0F;
  for (const float value : values) {
    const float size = magnitude(int8_source(value));
    absmax = size > absmax ? size : absmax;
  }
  const float multiplier = int8_multiplier(absmax);
  for (std::size_t i = 0; i < values.size(); ++i) codes[i] = encode_int8(int8_source(values[i]), multiplier);
}

void encode_rows(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor, std::span<float> absmax) {
  const auto columns = static_cast<std::size_t>(tensor.columns);
  const std::size_t first_row = static_cast<std::size_t>(first) / columns;
  for (std::size_t row = 0; row < values.size() / columns; ++row) {
    encode_row(values.subspan(row * columns, columns),
               tensor.codes.as<std::int8_t>().subspan((first_row + row) * columns, columns), absmax[first_row + row]);
  }
}

void encode_blocks(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor,
                   std::span<float> absmax) {
  const auto block_size = static_cast<std::size_t>(tensor.format.block_size);
  for (std::size_t at = 0; at < values.size(); at += block_size) {
    const auto block = values.subspan(at, std::min(block_size, values.size() - at));
    const std::size_t position = static_cast<std::size_t>(first) + at;
    float& scale = absmax[position / block_size];
    scale = block_absmax(block);
    encode_block(tensor.format.levels, block, scale, tensor.codes.data() + position / 2);
  }
}

void encode_nested_block(std::span<const float> absmax, float offset, std::span<std::uint8_t> codes,
                         float& nested_absmax) {
  nested_absmax = 0.0F;
  for (const float value : absmax) nested_absmax = extend_absmax(nested_absmax, value - offset);
  const float reciprocal = block_reciprocal(nested_absmax);
  for (std::size_t i = 0; i < absmax.size(); ++i)
    codes[i] = encode_dynamic(normalize(absmax[i] - offset, reciprocal), dynamic_thresholds.values);
}

float mean(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  return static_cast<float>(sum / static_cast<double>(values.size()));
}
}  // namespace

float block_absmax(std::span<const float> values) {
  float absmax = 0.0F;
  for (const float value : values) absmax = extend_absmax(absmax, value);
  return absmax;
}

void encode_block(Levels levels, std::span<const float> values, float absmax, std::byte* packed) {
  const float divisor = block_divisor(levels, absmax);
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const float second = i + 1 < values.size() ? values[i + 1] : 0.0F;
    const int codes = encode_4bit(levels, values[i], divisor) << 4 | encode_4bit(levels, second, divisor);
    packed[i / 2] = static_cast<std::byte>(codes);
  }
}

void encode_values(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor,
                   std::span<float> absmax) {
  if (tensor.format.code_type == CodeType::ggml_blocks) {
    const GgmlType type = tensor.format.ggml_type;
    encode_ggml(type, values.data(), static_cast<std::int64_t>(values.size()),
                tensor.codes.data() + ggml_bytes(type, first));
    return;
  }
  switch (tensor.format.scale_layout) {
    case ScaleLayout::none: encode_dense(values, first, tensor); break;
    case ScaleLayout::per_row: encode_rows(values, first, tensor, absmax); break;
    case ScaleLayout::flat_blocks: encode_blocks(values, first, tensor, absmax); break;
    case ScaleLayout::row_groups:
    case ScaleLayout::whole:
    case ScaleLayout::tiles: break;
  }
}

void encode_absmax(std::span<const float> absmax, QuantizedTensor& tensor) {
  const std::span<float> nested = tensor.nested_absmax.as<float>();
  const float offset = mean(absmax);
  nested.back() = offset;
  for (std::size_t block = 0; block + 1 < nested.size(); ++block) {
    const std::size_t begin = block * nested_block_size;
    const std::size_t count = std::min<std::size_t>(nested_block_size, absmax.size() - begin);
    encode_nested_block(absmax.subspan(begin, count), offset, tensor.scales.as<std::uint8_t>().subspan(begin, count),
                        nested[block]);
  }
}

}  // namespace quantscope::reference
