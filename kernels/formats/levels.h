// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/fp4.h"
#include "kernels/formats/int4.h"
#include "kernels/formats/nf4.h"
#include "kernels/quantized_tensor.h"

/// The 4-bit formats behind one interface: a decoded value is level(code) * block_scale(absmax), rounded once.
namespace quantscope {

/// The 16 levels, for charts and for kernels that keep them in registers. Precondition: a 4-bit kind.
QUANTSCOPE_HOST_DEVICE constexpr LocalTable<float, 16> levels_table(Levels levels) {
  if (levels == Levels::nf4) return local_table(nf4_levels);
  if (levels == Levels::fp4) return local_table(fp4_levels);
  return local_table(int4_levels);
}

/// What a level is multiplied by: the absmax itself, or a seventh of it for INT4.
QUANTSCOPE_HOST_DEVICE constexpr float block_scale(Levels levels, float absmax) {
  return levels == Levels::int4 ? int4_scale(absmax) : absmax;
}

/// What encode_4bit needs to know of a block: a reciprocal for NF4 and FP4, the step for INT4.
QUANTSCOPE_HOST_DEVICE constexpr float block_divisor(Levels levels, float absmax) {
  return levels == Levels::int4 ? int4_scale(absmax) : block_reciprocal(absmax);
}

/// The code (0..15) of a value in a block with this block_divisor.
QUANTSCOPE_HOST_DEVICE constexpr std::uint8_t encode_4bit(Levels levels, float value, float divisor) {
  if (levels == Levels::int4) return encode_int4(value, divisor);
  return levels == Levels::nf4 ? encode_nf4(normalize(value, divisor)) : encode_fp4(normalize(value, divisor));
}

}  // namespace quantscope
