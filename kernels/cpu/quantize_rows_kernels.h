// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/// The inner loops of the CPU quantizer, once per instruction set. All give the bits of kernels/cpu/reference.
namespace quantscope {

/// Counts are in values. Those marked "whole spans" need a multiple of encode_span.
struct EncodeKernels {
  /// reference::block_absmax.
  float (*block_absmax)(const float* values, std::int64_t count) = nullptr;
  /// Packed codes, two per byte; whole spans of a block whose absmax is_ordinary_absmax. `divisor` is its
  /// block_divisor.
  void (*encode_nf4)(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) = nullptr;
  void (*encode_fp4)(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) = nullptr;
  void (*encode_int4)(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) = nullptr;
  /// Largest magnitude after rounding to fp16, and int8 codes of one row; whole spans.
  float (*int8_absmax)(const float* values, std::int64_t count) = nullptr;
  void (*encode_int8)(const float* values, std::int64_t count, float multiplier, std::int8_t* codes) = nullptr;
  /// 16-bit patterns; whole spans.
  void (*to_fp16)(const float* values, std::int64_t count, std::uint16_t* bits) = nullptr;
  void (*to_bf16)(const float* values, std::int64_t count, std::uint16_t* bits) = nullptr;
};

inline constexpr std::int64_t encode_span = 32;

/// True where neither the reciprocal nor a product with it can overflow or become subnormal in a way that changes a
/// code; the few other blocks take the plain loops.
constexpr bool is_ordinary_absmax(float absmax) { return absmax >= 0x1p-60F && absmax <= 0x1p60F; }

#if defined(__x86_64__)
/// AVX2 with F16C.
const EncodeKernels& avx2_encode_kernels();
/// AVX-512 F, BW, DQ and VL.
const EncodeKernels& avx512_encode_kernels();
#endif

}  // namespace quantscope
