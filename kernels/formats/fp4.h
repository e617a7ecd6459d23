// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/host_device.h"

/// The FP4 of bitsandbytes (csrc/kernels.cu): bit 3 is the sign, bits 0-2 an index whose order is not that of the
/// magnitudes. It is not the OCP E2M1 set: the smallest magnitude is 1/192 of the largest.
namespace quantscope {

/// What code i stands for. Code 8 is -0.
inline constexpr float fp4_levels[16] = {
    0.0F,
    0.0052083334885537624F,
    0.6666666865348816F,
    1.0F,
    0.3333333432674408F,
    0.5F,
    0.1666666716337204F,
    0.25F,
    -0.0F,
    -0.0052083334885537624F,
    -0.6666666865348816F,
    -1.0F,
    -0.3333333432674408F,
    -0.5F,
    -0.1666666716337204F,
    -0.25F,
};

/// Codes in ascending order of magnitude.
inline constexpr std::uint8_t fp4_ascending_codes[8] = {0, 1, 6, 7, 4, 5, 2, 3};

/// Thresholds on the magnitude, ascending: above fp4_magnitude_thresholds[i] follows fp4_ascending_codes[i + 1]; a tie
/// goes to the smaller magnitude. CUDA's decimal literals, five of which are not the midpoints of the levels.
inline constexpr float fp4_magnitude_thresholds[7] = {0.00260417F, 0.0859375F, 0.20833333F, 0.29166667F,
                                                      0.4166667F,  0.583333F,  0.8333333F};

/// The code of a normalized value; 0 for NaN and for both zeros.
QUANTSCOPE_HOST_DEVICE constexpr std::uint8_t encode_fp4(float normalized) {
  constexpr auto thresholds = local_table(fp4_magnitude_thresholds);
  constexpr auto codes = local_table(fp4_ascending_codes);
  int rank = 0;
  for (const float threshold : thresholds.values) rank += magnitude(normalized) > threshold ? 1 : 0;
  return static_cast<std::uint8_t>(codes.values[rank] + (normalized < 0.0F ? 8 : 0));
}

QUANTSCOPE_HOST_DEVICE constexpr float decode_fp4(int code) {
  constexpr auto levels = local_table(fp4_levels);
  return levels.values[code & 15];
}

}  // namespace quantscope
