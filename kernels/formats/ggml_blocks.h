// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/half.h"
#include "kernels/formats/host_device.h"

/// The block formats of GGUF files with 32 values and one scale to a block. Scale d and minimum m are little-endian
/// fp16. Source: ggml, ggml-common.h (layouts) and ggml-quants.c (values). Each product and each sum is rounded once to
/// fp32, as there. The caller checks that a whole block is there.
namespace quantscope {

inline constexpr int ggml_block_values = 32;

/// What the 16 codes of IQ4_NL and IQ4_XS stand for.
inline constexpr std::int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// Twice what the 16 codes of MXFP4 (E2M1) stand for.
inline constexpr std::int8_t mxfp4_doubled_levels[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

namespace detail {
QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t load_u8(const std::byte* at) { return static_cast<unsigned char>(*at); }

QUANTSCOPE_HOST_DEVICE constexpr int load_i8(const std::byte* at) {
  return static_cast<std::int8_t>(static_cast<unsigned char>(*at));
}

QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t load_u16(const std::byte* at) {
  return load_u8(at) | (load_u8(at + 1) << 8);
}

QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t load_u32(const std::byte* at) {
  return load_u16(at) | (load_u16(at + 2) << 16);
}

QUANTSCOPE_HOST_DEVICE constexpr float load_fp16(const std::byte* at) {
  return fp16_to_fp32(static_cast<std::uint16_t>(load_u16(at)));
}

/// The scale of an MXFP4 block, halved because the levels are doubled: 2^(e - 128). Exact, subnormal below e = 2.
QUANTSCOPE_HOST_DEVICE constexpr float halved_e8m0(std::uint32_t exponent) {
  return float_from_bits(exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23);
}
}  // namespace detail

/// value = d * q
QUANTSCOPE_HOST_DEVICE constexpr void decode_q8_0_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  for (int i = 0; i < 32; ++i) values[i] = scale * static_cast<float>(detail::load_i8(block + 2 + i));
}

/// value = d * (q - 8); element i is the low nibble of code byte i, element i + 16 the high one.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q4_0_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  for (int i = 0; i < 16; ++i) {
    const int codes = static_cast<int>(detail::load_u8(block + 2 + i));
    values[i] = scale * static_cast<float>((codes & 15) - 8);
    values[i + 16] = scale * static_cast<float>((codes >> 4) - 8);
  }
}

/// value = d * q + m; the nibbles lie as in Q4_0.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q4_1_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  const float minimum = detail::load_fp16(block + 2);
  for (int i = 0; i < 16; ++i) {
    const int codes = static_cast<int>(detail::load_u8(block + 4 + i));
    values[i] = multiply_then_add(static_cast<float>(codes & 15), scale, minimum);
    values[i + 16] = multiply_then_add(static_cast<float>(codes >> 4), scale, minimum);
  }
}

/// value = d * (q - 16). d, 32 fifth bits (bit i belongs to element i), then the low four bits as in Q4_0.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q5_0_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  const std::uint32_t fifth = detail::load_u32(block + 2);
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t codes = detail::load_u8(block + 6 + i);
    const std::uint32_t low = (codes & 15U) | (fifth >> i & 1U) << 4;
    const std::uint32_t high = codes >> 4 | (fifth >> (i + 16) & 1U) << 4;
    values[i] = scale * static_cast<float>(static_cast<int>(low) - 16);
    values[i + 16] = scale * static_cast<float>(static_cast<int>(high) - 16);
  }
}

/// value = d * q + m. d, m, then as in Q5_0.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q5_1_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  const float minimum = detail::load_fp16(block + 2);
  const std::uint32_t fifth = detail::load_u32(block + 4);
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t codes = detail::load_u8(block + 8 + i);
    const std::uint32_t low = (codes & 15U) | (fifth >> i & 1U) << 4;
    const std::uint32_t high = codes >> 4 | (fifth >> (i + 16) & 1U) << 4;
    values[i] = multiply_then_add(static_cast<float>(low), scale, minimum);
    values[i + 16] = multiply_then_add(static_cast<float>(high), scale, minimum);
  }
}

/// value = d * level[q]; the nibbles lie as in Q4_0.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq4_nl_block(const std::byte* block, float* values) {
  constexpr auto levels = local_table(iq4_levels);
  const float scale = detail::load_fp16(block);
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t codes = detail::load_u8(block + 2 + i);
    values[i] = scale * static_cast<float>(levels.values[codes & 15U]);
    values[i + 16] = scale * static_cast<float>(levels.values[codes >> 4]);
  }
}

/// value = 2^(e - 127) * level[q]. One byte e, then the nibbles as in Q4_0. Source: OCP Microscaling Formats (MX) 1.0.
QUANTSCOPE_HOST_DEVICE constexpr void decode_mxfp4_block(const std::byte* block, float* values) {
  constexpr auto levels = local_table(mxfp4_doubled_levels);
  const float scale = detail::halved_e8m0(detail::load_u8(block));
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t codes = detail::load_u8(block + 1 + i);
    values[i] = scale * static_cast<float>(levels.values[codes & 15U]);
    values[i + 16] = scale * static_cast<float>(levels.values[codes >> 4]);
  }
}

}  // namespace quantscope
