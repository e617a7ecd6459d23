// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/host_device.h"

/// FP8 E4M3 as models are stored in it (torch.float8_e4m3fn; "OCP 8-bit Floating Point Specification", E4M3): sign, 4
/// exponent bits with bias 7, 3 mantissa bits; no infinities, all bits after the sign set is NaN, 448 is the largest.
namespace quantscope {

/// The exact value of a code; NaN for 0x7F and 0xFF.
QUANTSCOPE_HOST_DEVICE constexpr float decode_fp8_e4m3(std::uint8_t code) {
  const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x80U) << 24;
  const std::uint32_t magnitude = code & 0x7FU;
  if (magnitude == 0x7FU) return float_from_bits(sign | 0x7FC00000U);
  // Exponent and mantissa lie as in fp32; the biases differ by 120.
  if (magnitude >= 8U) return float_from_bits(sign | ((magnitude << 20) + (120U << 23)));
  return float_from_bits(sign | float_bits(static_cast<float>(magnitude) * 0x1p-9F));
}

}  // namespace quantscope
