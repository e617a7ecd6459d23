// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_blocks.h"

/// The ternary types of GGUF files: 256 values d * q with q in -1, 0, 1. Source: ggml, ggml-common.h (layouts) and
/// ggml-quants.c (values). A function decodes one part of a block, 0 to 7: values 32 * part to 32 * part + 31.
namespace quantscope {

/// 64 bytes of four 2-bit codes, d.
QUANTSCOPE_HOST_DEVICE constexpr void decode_tq2_0_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block + 64);
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t code = detail::load_u8(block + part / 4 * 32 + i) >> (part % 4 * 2) & 3U;
    values[i] = scale * static_cast<float>(static_cast<int>(code) - 1);
  }
}

namespace detail {
/// Digit `place` of a byte that holds base-3 digits as a fraction of 256: multiplying by 3^place modulo 256 drops those
/// before it, and the whole part of three times what is left is the digit.
QUANTSCOPE_HOST_DEVICE constexpr int ternary_digit(std::uint32_t packed, int place) {
  std::uint32_t rest = packed;
  for (int i = 0; i < place; ++i) rest = rest * 3U & 255U;
  return static_cast<int>(rest * 3U >> 8) - 1;
}
}  // namespace detail

/// 48 bytes of five base-3 digits, 4 bytes of four, d. The digits of 32, then of 16, then of 4 bytes lie side by side.
QUANTSCOPE_HOST_DEVICE constexpr void decode_tq1_0_part(const std::byte* block, int part, float* values) {
  const float scale = detail::load_fp16(block + 52);
  for (int value = 0; value < 32; ++value) {
    const int i = 32 * part + value;
    const int width = i < 160 ? 32 : i < 240 ? 16 : 4;
    const int within = i < 160 ? i : i < 240 ? i - 160 : i - 240;
    const int first = i < 160 ? 0 : i < 240 ? 32 : 48;
    const std::uint32_t packed = detail::load_u8(block + first + within % width);
    values[value] = scale * static_cast<float>(detail::ternary_digit(packed, within / width));
  }
}

}  // namespace quantscope
