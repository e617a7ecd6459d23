// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/formats/data_type.h"

/// Sixteen lanes with AVX-512 F, BW, VL and DQ. Only for files compiled with these instructions.
namespace quantscope {
namespace {

struct Avx512Lanes {
  using Vector = __m512;
  static constexpr int width = 16;
  static constexpr int tile_rows = 4;
  static constexpr int tile_columns = 6;
  static constexpr int attention_vectors = 4;

  static Vector load(const float* values) { return _mm512_loadu_ps(values); }
  static void store(float* values, Vector v) { _mm512_storeu_ps(values, v); }
  static Vector broadcast(float value) { return _mm512_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector sum) { return _mm512_fmadd_ps(a, b, sum); }
  static Vector minimum(Vector a, Vector b) { return _mm512_min_ps(a, b); }
  static Vector maximum(Vector a, Vector b) { return _mm512_max_ps(a, b); }
  static float sum(Vector v) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  /// 2^n, where `shifted` holds n in its low mantissa bits.
  static Vector power_of_two(Vector shifted) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(0x3F800000)));
  }

  static Vector load_half(const std::uint16_t* bits) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits)));
  }
  static Vector load_bfloat(const std::uint16_t* bits) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static Vector decode_signed8(const std::int8_t* codes, float absmax) {
    const __m512i wide = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    const Vector steps = _mm512_mul_ps(_mm512_cvtepi32_ps(wide), broadcast(absmax));
    return _mm512_mul_ps(steps, broadcast(0.007874015718698502F));
  }
  static Vector round_half(Vector v) { return _mm512_cvtph_ps(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)); }
  static Vector round_bfloat(Vector v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __m512i rounded = _mm512_and_si512(sum, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)));
    // Adding could carry a NaN over into an infinity or a zero.
    return _mm512_mask_mov_ps(_mm512_castsi512_ps(rounded), _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), v);
  }

  template <ComputeType C>
  static Vector table(const float* levels, float factor) {
    const Vector values = multiply(load(levels), broadcast(factor));
    if constexpr (C == ComputeType::fp16) return round_half(values);
    if constexpr (C == ComputeType::bf16) return round_bfloat(values);
    return values;
  }
  static void look_up(Vector table, const std::uint8_t* codes, Vector& even, Vector& odd) {
    const __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    even = _mm512_permutexvar_ps(_mm512_srli_epi32(wide, 4), table);
    odd = _mm512_permutexvar_ps(wide, table);
  }

  struct DoubleSum {
    __m512d low, high;
  };
  static DoubleSum double_zero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
  static DoubleSum add_double(DoubleSum sum, Vector v) {
    return {_mm512_add_pd(sum.low, _mm512_cvtps_pd(_mm512_castps512_ps256(v))),
            _mm512_add_pd(sum.high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)))};
  }
  static double double_total(const DoubleSum& sum) {
    double lanes[8];
    _mm512_storeu_pd(lanes, _mm512_add_pd(sum.low, sum.high));
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
  }
};

struct Avx512Integers {
  using Element = std::int16_t;
  using Product = std::int32_t;
  using Vector = __m512i;
  using Sum = __m512i;
  static constexpr int step = 32;
  static constexpr int tile_rows = 4;
  static constexpr int tile_columns = 6;
  static Sum zero() { return _mm512_setzero_si512(); }
  static Vector load(const Element* values) { return _mm512_loadu_si512(values); }
  static Sum multiply_add(Vector a, Vector b, Sum sum) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
  static Product total(Sum sum) { return _mm512_reduce_add_epi32(sum); }
};

}  // namespace
}  // namespace quantscope
