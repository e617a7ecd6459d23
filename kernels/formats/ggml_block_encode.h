// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/ggml_blocks.h"

/// Encoders of the ggml types whose codes follow from the extremes of a block. Bit for bit those of ggml-quants.c
/// (quantize_row_*_ref) for finite values; there a NaN or an infinity is undefined, here it gives some code.
namespace quantscope {

namespace detail {
QUANTSCOPE_HOST_DEVICE constexpr void store_u8(std::byte* at, std::uint32_t value) {
  *at = static_cast<std::byte>(static_cast<unsigned char>(value));
}

QUANTSCOPE_HOST_DEVICE constexpr void store_u16(std::byte* at, std::uint32_t value) {
  store_u8(at, value & 255U);
  store_u8(at + 1, value >> 8 & 255U);
}

QUANTSCOPE_HOST_DEVICE constexpr void store_u32(std::byte* at, std::uint32_t value) {
  store_u16(at, value & 0xFFFFU);
  store_u16(at + 2, value >> 16);
}

/// The whole part in 0..largest; 0 for NaN.
QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t whole_code(float steps, int largest) {
  if (!(steps > 0.0F)) return 0;
  return steps >= static_cast<float>(largest) ? static_cast<std::uint32_t>(largest) : static_cast<std::uint32_t>(steps);
}

/// 1 / step; 0 for a block of zeros.
QUANTSCOPE_HOST_DEVICE constexpr float inverse_step(float step) { return step != 0.0F ? 1.0F / step : 0.0F; }

/// The first value of the largest magnitude, with its sign.
QUANTSCOPE_HOST_DEVICE constexpr float signed_extreme(const float* values) {
  float extreme = 0.0F;
  for (int i = 0; i < 32; ++i) extreme = magnitude(values[i]) > magnitude(extreme) ? values[i] : extreme;
  return extreme;
}

struct Range {
  float low = 0.0F;
  float high = 0.0F;
};

QUANTSCOPE_HOST_DEVICE constexpr Range value_range(const float* values) {
  Range range{values[0], values[0]};
  for (int i = 1; i < 32; ++i) {
    range.low = values[i] < range.low ? values[i] : range.low;
    range.high = values[i] > range.high ? values[i] : range.high;
  }
  return range;
}

/// 16 bytes of low nibbles: element i below element i + 16.
QUANTSCOPE_HOST_DEVICE constexpr void store_nibbles(const std::uint32_t* codes, std::byte* bytes) {
  for (int i = 0; i < 16; ++i) store_u8(bytes + i, (codes[i] & 15U) | (codes[i + 16] & 15U) << 4);
}

QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t fifth_bits(const std::uint32_t* codes) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= (codes[i] >> 4 & 1U) << i;
  return bits;
}

/// The nearest integer, halves away from zero; 0 for NaN. Precondition: |value| < 2^22 or NaN.
QUANTSCOPE_HOST_DEVICE constexpr int round_half_away(float value) {
  if (value != value) return 0;
  const int whole = static_cast<int>(value);
  const float rest = value - static_cast<float>(whole);
  return whole + (rest >= 0.5F ? 1 : rest <= -0.5F ? -1 : 0);
}
}  // namespace detail

/// d = absmax / 127, q = round(x / d).
QUANTSCOPE_HOST_DEVICE constexpr void encode_q8_0_block(const float* values, std::byte* block) {
  const float step = magnitude(detail::signed_extreme(values)) / 127.0F;
  const float inverse = detail::inverse_step(step);
  detail::store_u16(block, fp32_to_fp16(step));
  for (int i = 0; i < 32; ++i) {
    const float steps = values[i] * inverse;
    const float inside = steps > 127.0F ? 127.0F : steps < -128.0F ? -128.0F : steps;
    detail::store_u8(block + 2 + i, static_cast<std::uint32_t>(detail::round_half_away(inside)) & 255U);
  }
}

/// d = extreme / -8, so that the value of the largest magnitude is met exactly.
QUANTSCOPE_HOST_DEVICE constexpr void encode_q4_0_block(const float* values, std::byte* block) {
  const float step = detail::signed_extreme(values) / -8.0F;
  const float inverse = detail::inverse_step(step);
  std::uint32_t codes[32] = {};
  for (int i = 0; i < 32; ++i) codes[i] = detail::whole_code(multiply_then_add(values[i], inverse, 8.5F), 15);
  detail::store_u16(block, fp32_to_fp16(step));
  detail::store_nibbles(codes, block + 2);
}

/// d = (largest - smallest) / 15, m = smallest.
QUANTSCOPE_HOST_DEVICE constexpr void encode_q4_1_block(const float* values, std::byte* block) {
  const detail::Range range = detail::value_range(values);
  const float step = (range.high - range.low) / 15.0F;
  const float inverse = detail::inverse_step(step);
  std::uint32_t codes[32] = {};
  for (int i = 0; i < 32; ++i)
    codes[i] = detail::whole_code(multiply_then_add(values[i] - range.low, inverse, 0.5F), 15);
  detail::store_u16(block, fp32_to_fp16(step));
  detail::store_u16(block + 2, fp32_to_fp16(range.low));
  detail::store_nibbles(codes, block + 4);
}

/// d = extreme / -16.
QUANTSCOPE_HOST_DEVICE constexpr void encode_q5_0_block(const float* values, std::byte* block) {
  const float step = detail::signed_extreme(values) / -16.0F;
  const float inverse = detail::inverse_step(step);
  std::uint32_t codes[32] = {};
  for (int i = 0; i < 32; ++i) codes[i] = detail::whole_code(multiply_then_add(values[i], inverse, 16.5F), 31);
  detail::store_u16(block, fp32_to_fp16(step));
  detail::store_u32(block + 2, detail::fifth_bits(codes));
  detail::store_nibbles(codes, block + 6);
}

/// d = (largest - smallest) / 31, m = smallest.
QUANTSCOPE_HOST_DEVICE constexpr void encode_q5_1_block(const float* values, std::byte* block) {
  const detail::Range range = detail::value_range(values);
  const float step = (range.high - range.low) / 31.0F;
  const float inverse = detail::inverse_step(step);
  std::uint32_t codes[32] = {};
  for (int i = 0; i < 32; ++i)
    codes[i] = detail::whole_code(multiply_then_add(values[i] - range.low, inverse, 0.5F), 31);
  detail::store_u16(block, fp32_to_fp16(step));
  detail::store_u16(block + 2, fp32_to_fp16(range.low));
  detail::store_u32(block + 4, detail::fifth_bits(codes));
  detail::store_nibbles(codes, block + 8);
}

}  // namespace quantscope
