// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/data_type.h"
#include "kernels/formats/host_device.h"

/// The 16-bit floating-point types as bit patterns. Conversions to 16 bits round to nearest, ties to even; a NaN stays
/// a NaN, keeps its sign and becomes quiet. Conversions to float are exact.
namespace quantscope {

/// BF16 is the upper half of an fp32 value.
QUANTSCOPE_HOST_DEVICE constexpr float bf16_to_fp32(std::uint16_t bits) {
  return float_from_bits(static_cast<std::uint32_t>(bits) << 16);
}

QUANTSCOPE_HOST_DEVICE constexpr std::uint16_t fp32_to_bf16(float value) {
  const std::uint32_t bits = float_bits(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x0040U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

/// IEEE 754 binary16.
QUANTSCOPE_HOST_DEVICE constexpr float fp16_to_fp32(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t magnitude = bits & 0x7FFFU;
  if (magnitude >= 0x7C00U) {
    const std::uint32_t quiet = magnitude > 0x7C00U ? 0x00400000U : 0U;
    return float_from_bits(sign | 0x7F800000U | ((magnitude & 0x03FFU) << 13) | quiet);
  }
  if (magnitude >= 0x0400U) return float_from_bits(sign | ((magnitude << 13) + 0x38000000U));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24F;
  return float_from_bits(sign | float_bits(subnormal));
}

QUANTSCOPE_HOST_DEVICE constexpr std::uint16_t fp32_to_fp16(float value) {
  const std::uint32_t sign = (float_bits(value) >> 16) & 0x8000U;
  const std::uint32_t magnitude = float_bits(value) & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U | ((magnitude >> 13) & 0x03FFU));
  if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // The spacing of floats at 0.5 is that of fp16 subnormals, so this addition does the rounding.
    const float shifted = float_from_bits(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (float_bits(shifted) - 0x3F000000U));
  }
  const std::uint32_t rounded = magnitude + 0x0FFFU + ((magnitude >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
}

/// The nearest value of the compute type.
QUANTSCOPE_HOST_DEVICE constexpr float round_to(ComputeType type, float value) {
  switch (type) {
    case ComputeType::fp16: return fp16_to_fp32(fp32_to_fp16(value));
    case ComputeType::bf16: return bf16_to_fp32(fp32_to_bf16(value));
    case ComputeType::fp32: break;
  }
  return value;
}

}  // namespace quantscope
