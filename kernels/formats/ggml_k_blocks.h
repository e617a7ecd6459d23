// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_blocks.h"

/// The k-quants of GGUF files: blocks of 256 values whose sub-blocks have small integer scales (and minimums) relative
/// to an fp16 scale d (and dmin) of the block. Source: ggml, ggml-common.h (layouts) and ggml-quants.c (values); each
/// product and each sum is rounded once to fp32, in the order written there. A function decodes one part of a block, 0
/// to 7: values 32 * part to 32 * part + 31.
namespace quantscope {

inline constexpr int ggml_super_block_values = 256;

/// The 6-bit scale and minimum of one sub-block of Q4_K and Q5_K.
struct ScaleAndMinimum {
  std::uint32_t scale = 0;
  std::uint32_t minimum = 0;
};

/// From bytes sub_block % 4, 4 + sub_block % 4 and 4 + sub_block of what unpack_k_scale() takes.
QUANTSCOPE_HOST_DEVICE constexpr ScaleAndMinimum join_k_scale(std::uint32_t first, std::uint32_t second,
                                                              std::uint32_t both, int sub_block) {
  if (sub_block < 4) return {first & 63U, second & 63U};
  return {(both & 15U) | first >> 6 << 4, both >> 4 | second >> 6 << 4};
}

/// Sub-block 0..7 of the 12 packed bytes: the first four lie in the low 6 bits of bytes 0..3 and 4..7, the others have
/// their low 4 bits in bytes 8..11 and their upper 2 bits in what the first four leave free.
QUANTSCOPE_HOST_DEVICE constexpr ScaleAndMinimum unpack_k_scale(const std::byte* packed, int sub_block) {
  return join_k_scale(detail::load_u8(packed + sub_block % 4), detail::load_u8(packed + 4 + sub_block % 4),
                      detail::load_u8(packed + 4 + sub_block), sub_block);
}

/// value = d * S * q - dmin * M; sub-blocks of 16. 16 bytes S | M << 4, 64 bytes of four 2-bit codes, d, dmin.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q2_k_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block + 80), minimum = detail::load_fp16(block + 82);
  const std::byte* codes = block + 16 + part / 4 * 32;
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t both = detail::load_u8(block + 2 * part + i / 16);
    const std::uint32_t code = detail::load_u8(codes + i) >> (part % 4 * 2) & 3U;
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
QUANTSCOPE_HOST_DEVICE constexpr void decode_q3_k_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block + 108);
  const std::byte* codes = block + 32 + part / 4 * 32;
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t third = detail::load_u8(block + i) >> part & 1U;
    const std::uint32_t low = detail::load_u8(codes + i) >> (part % 4 * 2) & 3U;
    const float step = scale * static_cast<float>(unpack_q3_k_scale(block + 96, 2 * part + i / 16));
    values[i] = step * static_cast<float>(static_cast<int>(low | third << 2) - 4);
  }
}

/// value = d * S * q - dmin * M; sub-blocks of 32. d, dmin, 12 bytes of scales, then per two sub-blocks 32 bytes whose
/// low nibbles are the first and whose high nibbles the second.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q4_k_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block), minimum = detail::load_fp16(block + 2);
  const ScaleAndMinimum packed = unpack_k_scale(block + 4, part);
  const float step = scale * static_cast<float>(packed.scale), least = minimum * static_cast<float>(packed.minimum);
  const std::byte* codes = block + 16 + part / 2 * 32;
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t code = detail::load_u8(codes + i) >> (part % 2 * 4) & 15U;
    values[i] = multiply_then_add(step, static_cast<float>(code), -least);
  }
}

/// As Q4_K, with 32 bytes of fifth bits before the nibbles: bit b of byte i belongs to element i of sub-block b.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q5_k_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block), minimum = detail::load_fp16(block + 2);
  const ScaleAndMinimum packed = unpack_k_scale(block + 4, part);
  const float step = scale * static_cast<float>(packed.scale), least = minimum * static_cast<float>(packed.minimum);
  const std::byte* codes = block + 48 + part / 2 * 32;
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t fifth = detail::load_u8(block + 16 + i) >> part & 1U;
    const std::uint32_t code = (detail::load_u8(codes + i) >> (part % 2 * 4) & 15U) | fifth << 4;
    values[i] = multiply_then_add(step, static_cast<float>(code), -least);
  }
}

/// value = d * S * (q - 32), q of 6 bits, S a signed byte; sub-blocks of 16. 128 bytes of low nibbles, 64 bytes of four
/// upper pairs of bits, 16 scales, d.
QUANTSCOPE_HOST_DEVICE constexpr void decode_q6_k_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block + 208);
  const int half = part / 4, quarter = part % 4;
  const std::byte* low = block + half * 64 + quarter % 2 * 32;
  const std::byte* high = block + 128 + half * 32;
  for (int sub_block = 0; sub_block < 2; ++sub_block) {
    const float step = scale * static_cast<float>(detail::load_i8(block + 192 + 2 * part + sub_block));
    for (int i = 16 * sub_block; i < 16 * sub_block + 16; ++i) {
      const std::uint32_t code = (detail::load_u8(low + i) >> (quarter / 2 * 4) & 15U) |
                                 (detail::load_u8(high + i) >> (quarter * 2) & 3U) << 4;
      values[i] = step * static_cast<float>(static_cast<int>(code) - 32);
    }
  }
}

}  // namespace quantscope
