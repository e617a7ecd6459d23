// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/formats/half.h"
#include "kernels/quantized_tensor.h"

/// The formats that only checkpoints bring along, and tensors of any codes in them.
namespace quantscope::testing {

struct NamedFormat {
  std::string name;
  WeightFormat format;
};

/// Affine codes of every width, zero point, scale type and order of columns; FP8 with every layout of scales.
inline std::vector<NamedFormat> stored_formats() {
  std::vector<NamedFormat> list;
  for (const int bits : {2, 3, 4, 8})
    for (const ZeroPoint zero : {ZeroPoint::none, ZeroPoint::integer, ZeroPoint::floating})
      for (const bool act_order : {false, true}) {
        const auto type = static_cast<ScaleType>(list.size() % 3);
        WeightFormat format = affine_format(bits, bits == 8 ? 1000 : 24, type);
        format.zero_point = zero;
        format.group_index = act_order;
        list.push_back({std::to_string(bits) + " bits, zero " + std::to_string(static_cast<int>(zero)) +
                            (act_order ? ", act-order" : ""),
                        format});
      }
  for (const ScaleLayout layout : {ScaleLayout::whole, ScaleLayout::per_row, ScaleLayout::tiles}) {
    WeightFormat format;
    format.code_type = CodeType::float8_e4m3;
    format.scale_layout = layout;
    format.block_size = layout == ScaleLayout::tiles ? 16 : 0;
    format.scale_type = layout == ScaleLayout::tiles ? ScaleType::bfloat16 : ScaleType::float32;
    list.push_back({"fp8 " + std::to_string(static_cast<int>(layout)), format});
  }
  return list;
}

inline void fill_scales(TaggedBuffer& buffer, ScaleType type, std::mt19937& random, float middle) {
  std::uniform_real_distribution<float> scale(0.5F * middle, 1.5F * middle);
  if (type == ScaleType::float32)
    for (float& value : buffer.as<float>()) value = scale(random);
  else
    for (std::uint16_t& bits : buffer.as<std::uint16_t>())
      bits = type == ScaleType::float16 ? fp32_to_fp16(scale(random)) : fp32_to_bf16(scale(random));
}

/// A tensor of any codes in one of stored_formats(); FP8 without NaN.
inline QuantizedTensor random_tensor(MemoryLedger& ledger, std::int64_t rows, std::int64_t columns,
                                     const WeightFormat& format) {
  auto made = QuantizedTensor::allocate(ledger, rows, columns, format, MemoryTag::codes);
  EXPECT_TRUE(made.has_value());
  QuantizedTensor tensor = std::move(*made);
  std::mt19937 random(static_cast<unsigned>(rows * columns));
  const bool fp8 = format.code_type == CodeType::float8_e4m3;
  for (std::uint8_t& byte : tensor.codes.as<std::uint8_t>())
    byte = static_cast<std::uint8_t>(fp8 ? random() % 127 + 128 * (random() % 2) : random());
  fill_scales(tensor.scales, format.scale_type, random, 0.01F);
  if (format.zero_point == ZeroPoint::floating) fill_scales(tensor.zeros, format.scale_type, random, 4.0F);
  if (format.zero_point == ZeroPoint::integer)
    for (std::uint8_t& byte : tensor.zeros.as<std::uint8_t>()) byte = static_cast<std::uint8_t>(random());
  if (format.group_index)
    for (std::int32_t& group : tensor.group_index.as<std::int32_t>())
      group = static_cast<std::int32_t>(random() % static_cast<unsigned>(groups_per_row(format, columns)));
  return tensor;
}

}  // namespace quantscope::testing
