// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/host_device.h"

/// Plain symmetric 4-bit integers: sixteen equal steps of which -8 is not used, so that zero is a level and both signs
/// reach absmax. A code is stored as q + 8.
namespace quantscope {

inline constexpr int int4_largest = 7;

/// What code i stands for in units of the scale.
inline constexpr float int4_levels[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};

/// Thresholds between codes i and i + 1 in units of the scale, -6.5 being that between codes 1 and 2. A tie goes to the
/// even q. Code 0 is not produced.
inline constexpr float int4_thresholds[14] = {-6.5F, -5.5F, -4.5F, -3.5F, -2.5F, -1.5F, -0.5F,
                                              0.5F,  1.5F,  2.5F,  3.5F,  4.5F,  5.5F,  6.5F};

/// The step of a block.
QUANTSCOPE_HOST_DEVICE constexpr float int4_scale(float absmax) { return absmax / 7.0F; }

/// clamp(round_half_even(value / scale), -7, 7) + 8; the code of 0 for NaN, for a scale of 0 and for an infinite one.
QUANTSCOPE_HOST_DEVICE constexpr std::uint8_t encode_int4(float value, float scale) {
  if (scale == 0.0F) return 8;
  const float steps = value / scale;
  if (steps != steps) return 8;
  const float clamped = steps < -7.0F ? -7.0F : steps > 7.0F ? 7.0F : steps;
  return static_cast<std::uint8_t>(static_cast<int>(round_half_even(clamped)) + 8);
}

QUANTSCOPE_HOST_DEVICE constexpr float decode_int4(int code) { return static_cast<float>((code & 15) - 8); }

}  // namespace quantscope
