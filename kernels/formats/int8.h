// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/formats/half.h"
#include "kernels/formats/host_device.h"

/// The weight side of LLM.int8() (Dettmers et al., 2022): one absmax per output row, taken after rounding the weights
/// to fp16. Source: bitsandbytes csrc/kernels.cu (kInt8VectorQuant), with the division correctly rounded.
namespace quantscope {

/// The value whose code is stored: LLM.int8() casts weights of every type to fp16 first.
QUANTSCOPE_HOST_DEVICE constexpr float int8_source(float value) { return round_to(ComputeType::fp16, value); }

/// Codes per unit; +infinity for a row of zeros, whose codes are then NaN and stored as 0.
QUANTSCOPE_HOST_DEVICE constexpr float int8_multiplier(float absmax) {
  return absmax == 0.0F ? float_from_bits(0x7F800000U) : 127.0F / absmax;
}

/// round_half_even(value * multiplier) in -127..127; 0 for NaN.
QUANTSCOPE_HOST_DEVICE constexpr std::int8_t encode_int8(float value, float multiplier) {
  const float steps = value * multiplier;
  if (steps != steps) return 0;
  const float clamped = steps < -127.0F ? -127.0F : steps > 127.0F ? 127.0F : steps;
  return static_cast<std::int8_t>(static_cast<int>(round_half_even(clamped)));
}

/// code * absmax / 127, rounded after each operation. bitsandbytes multiplies by float32(1 / 127) in some places, which
/// may differ in the last bit.
QUANTSCOPE_HOST_DEVICE constexpr float decode_int8(std::int8_t code, float absmax) {
  return (static_cast<float>(code) * absmax) / 127.0F;
}

/// Whether decode_ordinary_int8() may be used.
QUANTSCOPE_HOST_DEVICE constexpr bool is_ordinary_int8(float absmax) {
  return absmax > 0x1p-100F && absmax < 0x1p+100F;
}

/// decode_int8() of a code that is given as a float, for kernels that decode by the million: the quotient is corrected
/// by its exact remainder, which gives the correctly rounded one (Markstein, 1990).
QUANTSCOPE_HOST_DEVICE inline float decode_ordinary_int8(float code, float absmax) {
  const float product = code * absmax;
  constexpr float reciprocal = 1.0F / 127.0F;
  const float quotient = product * reciprocal;
  const float remainder = std::fmaf(-127.0F, quotient, product);
  return std::fmaf(remainder, reciprocal, quotient);
}

}  // namespace quantscope
