// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/host_device.h"

/// The signed 8-bit dynamic map that stores the absmax values of double quantization: bitsandbytes
/// create_dynamic_map(signed=True, max_exponent_bits=7, total_bits=8). Dettmers, 8-bit approximations (2016).
namespace quantscope {

inline constexpr int dynamic_map_size = 256;
using DynamicMap = LocalTable<float, 256>;

namespace detail {
/// Point i of torch.linspace(0.1, 1, intervals + 1). torch adds with a fused multiply-add; the product and sum below
/// are exact in double, so that rounding the result to float once gives the same bits.
constexpr float linear_point(int i, int intervals) {
  const float start = 0.1F;
  const float step = (1.0F - start) / static_cast<float>(intervals);
  if (i < (intervals + 1) / 2) return static_cast<float>(static_cast<double>(step) * i + static_cast<double>(start));
  return static_cast<float>(1.0 - static_cast<double>(step) * (intervals - i));
}

constexpr DynamicMap make_dynamic_map() {
  constexpr float powers_of_ten[7] = {1e-6F, 1e-5F, 1e-4F, 1e-3F, 1e-2F, 1e-1F, 1.0F};
  DynamicMap map{};
  map.values[127] = 0.0F;
  map.values[255] = 1.0F;
  int next = 128;
  for (int exponent = 0; exponent < 7; ++exponent) {
    const int intervals = 1 << exponent;
    for (int i = 0; i < intervals; ++i, ++next) {
      const float middle = (linear_point(i, intervals) + linear_point(i + 1, intervals)) * 0.5F;
      map.values[next] = powers_of_ten[exponent] * middle;
      map.values[254 - next] = -map.values[next];
    }
  }
  return map;
}

constexpr LocalTable<float, 255> make_dynamic_thresholds(const DynamicMap& map) {
  LocalTable<float, 255> thresholds{};
  for (int i = 0; i < 255; ++i) thresholds.values[i] = (map.values[i] + map.values[i + 1]) * 0.5F;
  return thresholds;
}
}  // namespace detail

/// What code i stands for, ascending. There is no -1.
inline constexpr DynamicMap dynamic_map = detail::make_dynamic_map();

/// dynamic_thresholds.values[i] lies half-way between codes i and i + 1; a tie goes to the even code.
inline constexpr LocalTable<float, 255> dynamic_thresholds = detail::make_dynamic_thresholds(dynamic_map);

/// The nearest code of a normalized value; 0 for NaN. Pass dynamic_thresholds, or a device's copy of it.
QUANTSCOPE_HOST_DEVICE constexpr std::uint8_t encode_dynamic(float normalized, const float* thresholds) {
  int code = 0;
  for (int step = 128; step > 0; step /= 2) {
    const int threshold = code + step - 1;
    const bool tie_goes_up = threshold % 2 == 1;
    const bool above = normalized > thresholds[threshold] || (tie_goes_up && normalized == thresholds[threshold]);
    code += above ? step : 0;
  }
  return static_cast<std::uint8_t>(code);
}

/// An absmax from its code's level: product, then sum, each rounded.
QUANTSCOPE_HOST_DEVICE constexpr float decode_nested_absmax(float level, float nested_absmax, float offset) {
  return multiply_then_add(level, nested_absmax, offset);
}

}  // namespace quantscope
