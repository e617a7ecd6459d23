// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/host_device.h"

/// Integer codes of 2 to 8 bits with a scale and a zero point per group: GPTQ, AWQ, compressed-tensors.
/// value = (code - zero) * scale. The product is exact in fp32 for scales of 16 bits and rounded once for fp32 scales.
namespace quantscope {

/// Where symmetric codes have their zero.
QUANTSCOPE_HOST_DEVICE constexpr int symmetric_zero(int bits) { return 1 << (bits - 1); }

QUANTSCOPE_HOST_DEVICE constexpr float decode_affine(int code, int zero, float scale) {
  return static_cast<float>(code - zero) * scale;
}

/// With a zero point between the codes (HQQ).
QUANTSCOPE_HOST_DEVICE constexpr float decode_affine(int code, float zero, float scale) {
  return (static_cast<float>(code) - zero) * scale;
}

/// The nearest code, ties to even before the zero point is added. Precondition: scale > 0.
QUANTSCOPE_HOST_DEVICE constexpr int encode_affine(float value, int zero, float scale, int bits) {
  const int largest = (1 << bits) - 1;
  const float steps = value / scale;
  // Far outside the codes rounding is of no consequence, and NaN becomes the zero point.
  const float bounded = steps < -512.0F ? -512.0F : steps > 512.0F ? 512.0F : steps == steps ? steps : 0.0F;
  const int code = static_cast<int>(round_half_even(bounded)) + zero;
  return code < 0 ? 0 : code > largest ? largest : code;
}

/// Scale of a symmetric group (IST-DASLab/gptq quant.py): the codes span -absmax to absmax; 1 for a group of zeros is
/// what their span is taken for.
QUANTSCOPE_HOST_DEVICE constexpr float symmetric_scale(float absmax, int bits) {
  return 2.0F * (absmax == 0.0F ? 1.0F : absmax) / static_cast<float>((1 << bits) - 1);
}

/// Scale and zero point of a group with zero points (AutoAWQ quantizer.py): the codes span its values.
QUANTSCOPE_HOST_DEVICE constexpr float spanning_scale(float smallest, float largest, int bits) {
  const float span = largest - smallest;
  return (span < 1e-5F ? 1e-5F : span) / static_cast<float>((1 << bits) - 1);
}
QUANTSCOPE_HOST_DEVICE constexpr int spanning_zero(float smallest, float scale, int bits) {
  return encode_affine(-smallest, 0, scale, bits);
}

/// Code `index` of a row of codes with `bits` (1 to 8) each, least significant bit first.
QUANTSCOPE_HOST_DEVICE constexpr int bit_code(const std::uint8_t* row, std::int64_t index, int bits) {
  const std::int64_t first = index * bits;
  const int shift = static_cast<int>(first % 8);
  unsigned word = row[first / 8];
  if (shift + bits > 8) word |= static_cast<unsigned>(row[first / 8 + 1]) << 8;
  return static_cast<int>((word >> shift) & ((1U << bits) - 1U));
}

/// Stores a code where bit_code reads it. The row's bits there must be zero.
QUANTSCOPE_HOST_DEVICE constexpr void put_bit_code(std::uint8_t* row, std::int64_t index, int bits, int code) {
  const std::int64_t first = index * bits;
  const int shift = static_cast<int>(first % 8);
  const unsigned word = static_cast<unsigned>(code) << shift;
  row[first / 8] = static_cast<std::uint8_t>(row[first / 8] | (word & 0xFFU));
  if (shift + bits > 8) row[first / 8 + 1] = static_cast<std::uint8_t>(row[first / 8 + 1] | (word >> 8));
}

}  // namespace quantscope
