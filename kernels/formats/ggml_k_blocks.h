// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_blocks.h"

/// The k-quants of GGUF files: blocks of 256 values whose sub-blocks have small integer scales (and minimums) relative
/// to an fp16 scale d (and dmin) of the block. Source: ggml, ggml-common.h (layouts) and ggml-quants.c (values); each
/// product and each sum is rounded once to fp32, in the order written there.
namespace quantscope {

inline constexpr int ggml_super_block_values = 256;

/// The 6-bit scale and minimum of one sub-block of Q4_K and Q5_K.
struct ScaleAndMinimum {
  std::uint32_t scale = 0;
  std::uint32_t minimum = 0;
};

/// Sub-block 0..7 of the 12 packed bytes: the first four lie in the low 6 bits of bytes 0..3 and 4..7, the others have
/// their low 4 bits in bytes 8..11 and their upper 2 bits in what the first four leave free.
QUANTSCOPE_HOST_DEVICE constexpr ScaleAndMinimum unpack_k_scale(const std::byte* packed, int sub_block) {
  const std::uint32_t first = detail::load_u8(packed + sub_block % 4),
                      second = detail::load_u8(packed + 4 + sub_block % 4);
  if (sub_block < 4) return {first & 63U, second & 63U};
  const std::uint32_t both = detail::load_u8(packed + 4 + sub_block);
  return {(both & 15U) | first >> 6 << 4, both >> 4 | second >> 6 << 4};
}

/// value = d * S * q - dmin * M; sub-blocks of 16. 16 bytes S | M << 4, 64 bytes of four 2-bit codes, d, dmin.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q2_k_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block + 80), minimum = detail::load_fp16(block + 82);
  for (int i = 0; i < 256; ++i) {
    const std::uint32_t both = detail::load_u8(block + i / 16);
    const std::uint32_t code = detail::load_u8(block + 16 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3U;
    const float step = scale * static_cast<float>(both & 15U);
    values[i] = multiply_then_add(step, static_cast<float>(code), -(minimum * static_cast<float>(both >> 4)));
  }
}

/// The 6-bit scale of sub-block 0..15 of Q3_K, minus 32: low 4 bits in bytes 0..7, upper 2 bits in bytes 8..11.
QUANTSCOPE_HOST_DEVICE constexpr int unpack_q3_k_scale(const std::byte* packed, int sub_block) {
  const std::uint32_t low = detail::load_u8(packed + sub_block % 8) >> (sub_block / 8 * 4) & 15U;
  const std::uint32_t high = detail::load_u8(packed + 8 + sub_block % 4) >> (sub_block / 4 * 2) & 3U;
  return static_cast<int>(low | high << 4) - 32;
}

/// value = d * (S - 32) * (q - 4), q of 3 bits; sub-blocks of 16. 32 bytes of third bits, 64 bytes of four 2-bit codes,
/// 12 bytes of scales, d.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q3_k_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block + 108);
  for (int i = 0; i < 256; ++i) {
    const std::uint32_t third = detail::load_u8(block + i % 32) >> (i / 32) & 1U;
    const std::uint32_t low = detail::load_u8(block + 32 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3U;
    const float step = scale * static_cast<float>(unpack_q3_k_scale(block + 96, i / 16));
    values[i] = step * static_cast<float>(static_cast<int>(low | third << 2) - 4);
  }
}

/// value = d * S * q - dmin * M; sub-blocks of 32. d, dmin, 12 bytes of scales, then per two sub-blocks 32 bytes whose
/// low nibbles are the first and whose high nibbles the second.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q4_k_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block), minimum = detail::load_fp16(block + 2);
  for (int sub_block = 0; sub_block < 8; ++sub_block) {
    const ScaleAndMinimum packed = unpack_k_scale(block + 4, sub_block);
    const float step = scale * static_cast<float>(packed.scale), least = minimum * static_cast<float>(packed.minimum);
    const std::byte* codes = block + 16 + sub_block / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const std::uint32_t code = detail::load_u8(codes + i) >> (sub_block % 2 * 4) & 15U;
      values[sub_block * 32 + i] = multiply_then_add(step, static_cast<float>(code), -least);
    }
  }
}

/// As Q4_K, with 32 bytes of fifth bits before the nibbles: bit b of byte i belongs to element i of sub-block b.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q5_k_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block), minimum = detail::load_fp16(block + 2);
  for (int sub_block = 0; sub_block < 8; ++sub_block) {
    const ScaleAndMinimum packed = unpack_k_scale(block + 4, sub_block);
    const float step = scale * static_cast<float>(packed.scale), least = minimum * static_cast<float>(packed.minimum);
    const std::byte* codes = block + 48 + sub_block / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const std::uint32_t fifth = detail::load_u8(block + 16 + i) >> sub_block & 1U;
      const std::uint32_t code = (detail::load_u8(codes + i) >> (sub_block % 2 * 4) & 15U) | fifth << 4;
      values[sub_block * 32 + i] = multiply_then_add(step, static_cast<float>(code), -least);
    }
  }
}

/// value = d * S * (q - 32), q of 6 bits, S a signed byte; sub-blocks of 16. 128 bytes of low nibbles, 64 bytes of four
/// upper pairs of bits, 16 scales, d.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q6_k_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block + 208);
  for (int sub_block = 0; sub_block < 16; ++sub_block) {
    const float step = scale * static_cast<float>(detail::load_i8(block + 192 + sub_block));
    const int half = sub_block / 8, quarter = sub_block % 8 / 2, first = sub_block % 2 * 16;
    const std::byte* low = block + half * 64 + quarter % 2 * 32 + first;
    const std::byte* high = block + 128 + half * 32 + first;
    for (int i = 0; i < 16; ++i) {
      const std::uint32_t code = (detail::load_u8(low + i) >> (quarter / 2 * 4) & 15U) |
                                 (detail::load_u8(high + i) >> (quarter * 2) & 3U) << 4;
      values[sub_block * 16 + i] = step * static_cast<float>(static_cast<int>(code) - 32);
    }
  }
}

}  // namespace quantscope
