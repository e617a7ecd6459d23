// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/half.h"

/// The block formats of GGUF files that checkpoints are read from. A block holds 32 values; its scale d and minimum m
/// are little-endian fp16. Source: ggml, ggml-common.h (layouts) and ggml-quants.c (values). All products and sums are
/// exact or rounded once in fp32. The caller checks that a whole block is there.
namespace quantscope {

inline constexpr std::int64_t ggml_block_values = 32;
inline constexpr std::int64_t q8_0_block_bytes = 34;  ///< d, 32 signed bytes
inline constexpr std::int64_t q4_0_block_bytes = 18;  ///< d, 16 bytes of two codes
inline constexpr std::int64_t q4_1_block_bytes = 20;  ///< d, m, 16 bytes of two codes

namespace detail {
constexpr float load_fp16(const std::byte* bytes) {
  const std::uint32_t low = std::to_integer<std::uint32_t>(bytes[0]);
  const std::uint32_t high = std::to_integer<std::uint32_t>(bytes[1]);
  return fp16_to_fp32(static_cast<std::uint16_t>(low | (high << 8)));
}
}  // namespace detail

/// value = d * q
constexpr void decode_q8_0_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  for (int i = 0; i < 32; ++i) {
    const auto code = static_cast<std::int8_t>(std::to_integer<std::uint8_t>(block[2 + i]));
    values[i] = scale * static_cast<float>(code);
  }
}

/// value = d * (q - 8); element i is the low nibble of code byte i, element i + 16 the high one.
constexpr void decode_q4_0_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  for (int i = 0; i < 16; ++i) {
    const int codes = std::to_integer<int>(block[2 + i]);
    values[i] = scale * static_cast<float>((codes & 15) - 8);
    values[i + 16] = scale * static_cast<float>((codes >> 4) - 8);
  }
}

/// value = d * q + m; the nibbles lie as in Q4_0.
constexpr void decode_q4_1_block(const std::byte* block, float* values) {
  const float scale = detail::load_fp16(block);
  const float minimum = detail::load_fp16(block + 2);
  for (int i = 0; i < 16; ++i) {
    const int codes = std::to_integer<int>(block[4 + i]);
    values[i] = scale * static_cast<float>(codes & 15) + minimum;
    values[i + 16] = scale * static_cast<float>(codes >> 4) + minimum;
  }
}

}  // namespace quantscope
