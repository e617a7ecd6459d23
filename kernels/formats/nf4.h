// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/host_device.h"

/// NF4 (4-bit NormalFloat): quantiles of the normal distribution scaled to -1..1. Source: Dettmers et al., QLoRA
/// (2023); digits and thresholds as in bitsandbytes csrc/kernels.cu. The paper's construction does not reproduce the
/// digits exactly, so the table is the definition.
namespace quantscope {

/// What code i stands for, ascending.
inline constexpr float nf4_levels[16] = {
    -1.0F,
    -0.6961928009986877F,
    -0.5250730514526367F,
    -0.39491748809814453F,
    -0.28444138169288635F,
    -0.18477343022823334F,
    -0.09105003625154495F,
    0.0F,
    0.07958029955625534F,
    0.16093020141124725F,
    0.24611230194568634F,
    0.33791524171829224F,
    0.44070982933044434F,
    0.5626170039176941F,
    0.7229568362236023F,
    1.0F,
};

/// Decision thresholds, ascending: a value above nf4_thresholds[i] gets a code above i; a tie goes down.
inline constexpr float nf4_thresholds[15] = {
    -0.8480963706970215F,  -0.6106328964233398F,   -0.4599952697753906F, -0.33967941999435425F, -0.23460739850997925F,
    -0.13791173696517944F, -0.045525018125772476F, 0.03979014977812767F, 0.120255246758461F,    0.2035212516784668F,
    0.2920137643814087F,   0.3893125355243683F,    0.5016634464263916F,  0.6427869200706482F,   0.8614784479141235F,
};

/// The code of a normalized value; 0 for NaN.
QUANTSCOPE_HOST_DEVICE constexpr std::uint8_t encode_nf4(float normalized) {
  constexpr auto thresholds = local_table(nf4_thresholds);
  int code = 0;
  for (const float threshold : thresholds.values) code += normalized > threshold ? 1 : 0;
  return static_cast<std::uint8_t>(code);
}

QUANTSCOPE_HOST_DEVICE constexpr float decode_nf4(int code) {
  constexpr auto levels = local_table(nf4_levels);
  return levels.values[code & 15];
}

}  // namespace quantscope
