// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/formats/host_device.h"

/// How a block of values is normalized before its codes are chosen: the convention of bitsandbytes on CUDA
/// (csrc/kernels.cu, kQuantizeBlockwise), which multiplies by the reciprocal and treats fp32 subnormals as zero.
/// The reciprocal here is the correctly rounded one; CUDA's approximation may differ in the last bit.
namespace quantscope {

inline constexpr float smallest_normal = 0x1p-126F;

QUANTSCOPE_HOST_DEVICE constexpr float magnitude(float value) {
  return float_from_bits(float_bits(value) & 0x7FFFFFFFU);
}

/// Subnormals become +0.
QUANTSCOPE_HOST_DEVICE constexpr float flush_subnormal(float value) {
  return magnitude(value) < smallest_normal ? 0.0F : value;
}

/// One step of the search for a block's absmax, which starts at 0. NaN is passed over, so a block of NaN alone has
/// absmax 0; subnormals count as 0.
QUANTSCOPE_HOST_DEVICE constexpr float extend_absmax(float absmax, float value) {
  const float candidate = flush_subnormal(magnitude(value));
  return candidate > absmax ? candidate : absmax;
}

/// 1 / absmax; +infinity for a block of zeros.
QUANTSCOPE_HOST_DEVICE constexpr float block_reciprocal(float absmax) {
  return absmax < smallest_normal ? float_from_bits(0x7F800000U) : flush_subnormal(1.0F / absmax);
}

/// A value relative to its block's absmax, about -1..1. NaN in a block of zeros and for infinite values; all code
/// searches give NaN the code 0.
QUANTSCOPE_HOST_DEVICE constexpr float normalize(float value, float reciprocal) {
  return flush_subnormal(flush_subnormal(value) * reciprocal);
}

}  // namespace quantscope
