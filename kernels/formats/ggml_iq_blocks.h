// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_blocks.h"

/// The IQ types of GGUF files: blocks of 256 values whose codes index a code book of groups of magnitudes, with signs
/// beside them. The code books (kernels/formats/ggml_iq_grids.h) are passed in, so that a device may use its own copy.
/// Source: ggml, ggml-common.h (layouts) and ggml-quants.c (values); products are rounded to fp32 one by one. A
/// function decodes one part of a block, 0 to 7: values 32 * part to 32 * part + 31.
namespace quantscope {

namespace detail {
/// What the 2-bit indices of the IQ2 code books stand for: 8, 25, 43.
QUANTSCOPE_HOST_DEVICE constexpr float iq2_magnitude(std::uint32_t index) {
  return index == 0 ? 8.0F : index == 1 ? 25.0F : 43.0F;
}

/// What the indices of the IQ3_XXS code book stand for: 4, 12, 20, .. 52, and 62.
QUANTSCOPE_HOST_DEVICE constexpr float iq3_xxs_magnitude(std::uint32_t index) {
  return index == 7 ? 62.0F : static_cast<float>(8U * index + 4U);
}

/// The 8 signs of a 7-bit field: the eighth makes the number of minus signs even.
QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t even_signs(std::uint32_t seven) {
  const std::uint32_t fold = seven ^ seven >> 4, pairs = fold ^ fold >> 2;
  return seven | ((pairs ^ pairs >> 1) & 1U) << 7;
}

QUANTSCOPE_HOST_DEVICE constexpr float with_sign(float value, std::uint32_t signs, int bit) {
  return (signs >> bit & 1U) != 0 ? -value : value;
}

QUANTSCOPE_HOST_DEVICE constexpr void decode_iq2_group(std::uint32_t entry, std::uint32_t signs, float step,
                                                       float* values) {
  for (int i = 0; i < 8; ++i) values[i] = with_sign(step * iq2_magnitude(entry >> (2 * i) & 3U), signs, i);
}

/// The scale that two sub-blocks of the IQ2 types share a byte for.
QUANTSCOPE_HOST_DEVICE constexpr float iq2_step(float scale, std::uint32_t code) {
  return scale * (0.5F + static_cast<float>(code)) * 0.25F;
}

QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t nibble(const std::byte* packed, int index) {
  return load_u8(packed + index / 2) >> (index % 2 * 4) & 15U;
}
}  // namespace detail

/// d, then per 32 values 4 bytes of code-book entries and 4 bytes: four times 7 bits of signs, 4 bits of scale.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq2_xxs_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                          float* values) {
  const float scale = detail::load_fp16(block);
  for (int group = 4 * part; group < 4 * part + 4; ++group, values += 8) {
    const std::byte* codes = block + 2 + part * 8;
    const std::uint32_t tail = detail::load_u32(codes + 4);
    const std::uint32_t entry = grid[detail::load_u8(codes + group % 4)];
    detail::decode_iq2_group(entry, detail::even_signs(tail >> (group % 4 * 7) & 127U),
                             detail::iq2_step(scale, tail >> 28), values);
  }
}

/// d, 32 times 9 bits of entry and 7 bits of signs, 16 scales of 4 bits.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq2_xs_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                         float* values) {
  const float scale = detail::load_fp16(block);
  for (int group = 4 * part; group < 4 * part + 4; ++group, values += 8) {
    const std::uint32_t code = detail::load_u16(block + 2 + 2 * group);
    detail::decode_iq2_group(grid[code & 511U], detail::even_signs(code >> 9),
                             detail::iq2_step(scale, detail::nibble(block + 66, group / 2)), values);
  }
}

/// d, 32 low bytes of entries, 32 bytes of signs, 32 upper pairs of bits of entries, 16 scales of 4 bits.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq2_s_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                        float* values) {
  const float scale = detail::load_fp16(block);
  for (int group = 4 * part; group < 4 * part + 4; ++group, values += 8) {
    const std::uint32_t upper = detail::load_u8(block + 66 + group / 4) >> (group % 4 * 2) & 3U;
    const std::uint32_t entry = grid[detail::load_u8(block + 2 + group) | upper << 8];
    detail::decode_iq2_group(entry, detail::load_u8(block + 34 + group),
                             detail::iq2_step(scale, detail::nibble(block + 74, group / 2)), values);
  }
}

/// d, 64 entries, then per 32 values 4 bytes: four times 7 bits of signs, 4 bits of scale.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq3_xxs_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                          float* values) {
  const float scale = detail::load_fp16(block);
  const std::uint32_t tail = detail::load_u32(block + 66 + part * 4);
  const float step = scale * (0.5F + static_cast<float>(tail >> 28)) * 0.5F;
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t entry = grid[detail::load_u8(block + 2 + 8 * part + i / 4)];
    values[i] = detail::with_sign(step * detail::iq3_xxs_magnitude(entry >> (i % 4 * 4) & 15U),
                                  detail::even_signs(tail >> (i / 8 * 7) & 127U), i % 8);
  }
}

/// d, 64 low bytes of entries, 64 ninth bits of entries, 256 signs, 8 scales of 4 bits.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq3_s_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                        float* values) {
  const float scale = detail::load_fp16(block);
  const float step = scale * static_cast<float>(1U + 2U * detail::nibble(block + 106, part));
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t ninth = detail::load_u8(block + 66 + part) >> (i / 4) & 1U;
    const std::uint32_t entry = grid[detail::load_u8(block + 2 + 8 * part + i / 4) | ninth << 8];
    const float magnitude = static_cast<float>(2U * (entry >> (i % 4 * 4) & 15U) + 1U);
    values[i] = detail::with_sign(step * magnitude, detail::load_u8(block + 74 + 4 * part + i / 8), i % 8);
  }
}

namespace detail {
/// value = step * (entry in -1, 0, 1 +- 1/8)
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq1_group(std::uint32_t entry, bool minus, float step, float* values) {
  const float shift = minus ? -0.125F : 0.125F;
  for (int i = 0; i < 8; ++i)
    values[i] = step * (static_cast<float>(static_cast<int>(entry >> (2 * i) & 3U) - 1) + shift);
}
}  // namespace detail

/// d, 32 low bytes of entries, then per 32 values 2 bytes: four times 3 upper bits of entries, 3 bits of scale, 1 bit
/// for the direction of the shift.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq1_s_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                        float* values) {
  const float scale = detail::load_fp16(block);
  for (int group = 4 * part; group < 4 * part + 4; ++group, values += 8) {
    const std::uint32_t tail = detail::load_u16(block + 34 + group / 4 * 2);
    const std::uint32_t upper = tail >> (group % 4 * 3) & 7U;
    const float step = scale * static_cast<float>(2U * (tail >> 12 & 7U) + 1U);
    detail::decode_iq1_group(grid[detail::load_u8(block + 2 + group) | upper << 8], (tail & 0x8000U) != 0, step,
                             values);
  }
}

/// 32 low bytes of entries, 32 nibbles (3 upper bits of an entry, 1 bit for the direction of the shift), four times
/// four scales of 3 bits with 4 bits of d above them.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq1_m_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                        float* values) {
  std::uint32_t scale_bits = 0;
  for (int i = 0; i < 4; ++i) scale_bits |= detail::load_u16(block + 48 + 2 * i) >> 12 << (4 * i);
  const float scale = fp16_to_fp32(static_cast<std::uint16_t>(scale_bits));
  for (int group = 4 * part; group < 4 * part + 4; ++group, values += 8) {
    const int sub_block = group / 2;
    const std::uint32_t code = detail::load_u16(block + 48 + sub_block / 4 * 2) >> (sub_block % 4 * 3) & 7U;
    const std::uint32_t tail = detail::nibble(block + 32, group);
    const float step = scale * static_cast<float>(2U * code + 1U);
    detail::decode_iq1_group(grid[detail::load_u8(block + group) | (tail & 7U) << 8], (tail & 8U) != 0, step, values);
  }
}

/// value = d * (S - 32) * level[q], the levels of IQ4_NL; sub-blocks of 32. d, 8 upper pairs of bits of S, 8 low
/// nibbles of S, then per sub-block 16 bytes as in Q4_0.
QUANTSCOPE_HOST_DEVICE constexpr void decode_iq4_xs_part(const std::byte* block, int part, float* values) {
  constexpr auto levels = local_table(iq4_levels);
  const std::uint32_t upper = detail::load_u16(block + 2) >> (2 * part) & 3U;
  const std::uint32_t code = detail::nibble(block + 4, part) | upper << 4;
  const float step = detail::load_fp16(block) * static_cast<float>(static_cast<int>(code) - 32);
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t codes = detail::load_u8(block + 8 + part * 16 + i);
    values[i] = step * static_cast<float>(levels.values[codes & 15U]);
    values[i + 16] = step * static_cast<float>(levels.values[codes >> 4]);
  }
}

}  // namespace quantscope
