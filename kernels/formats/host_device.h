// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/// Marks the functions that define a number format, so that the CPU and CUDA compile the same text.
#ifdef __CUDACC__
#define QUANTSCOPE_HOST_DEVICE __host__ __device__
#else
#define QUANTSCOPE_HOST_DEVICE
#endif

namespace quantscope {

/// The 32 bits of a float.
QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t float_bits(float value) {
  return __builtin_bit_cast(std::uint32_t, value);
}

/// The float with these 32 bits.
QUANTSCOPE_HOST_DEVICE constexpr float float_from_bits(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }

}  // namespace quantscope
