// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/formats/data_type.h"

/// Eight lanes with AVX2, FMA and F16C. Only for files compiled with these instructions.
namespace quantscope {
namespace {

struct Avx2Lanes {
  using Vector = __m256;
  static constexpr int width = 8;
  static constexpr int tile_rows = 3;
  static constexpr int tile_columns = 4;
  static constexpr int attention_vectors = 2;

  static Vector load(const float* values) { return _mm256_loadu_ps(values); }
  static void store(float* values, Vector v) { _mm256_storeu_ps(values, v); }
  static Vector broadcast(float value) { return _mm256_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector sum) { return _mm256_fmadd_ps(a, b, sum); }
  static Vector minimum(Vector a, Vector b) { return _mm256_min_ps(a, b); }
  static Vector maximum(Vector a, Vector b) { return _mm256_max_ps(a, b); }
  static float sum(Vector v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  /// 2^n, where `shifted` holds n in its low mantissa bits.
  static Vector power_of_two(Vector shifted) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(0x3F800000)));
  }

  static Vector load_half(const std::uint16_t* bits) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bits)));
  }
  static Vector load_bfloat(const std::uint16_t* bits) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bits)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static Vector decode_signed8(const std::int8_t* codes, float absmax) {
    const __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
    const Vector steps = _mm256_mul_ps(_mm256_cvtepi32_ps(wide), broadcast(absmax));
    return _mm256_mul_ps(steps, broadcast(0.007874015718698502F));
  }
  static Vector round_half(Vector v) { return _mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)); }
  static Vector round_bfloat(Vector v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    const __m256i rounded = _mm256_and_si256(sum, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U)));
    // Adding could carry a NaN over into an infinity or a zero.
    return _mm256_blendv_ps(_mm256_castsi256_ps(rounded), v, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  }

  struct Table {
    Vector low, high;
  };
  template <ComputeType C>
  static Vector round_level(Vector v) {
    if constexpr (C == ComputeType::fp16) return round_half(v);
    if constexpr (C == ComputeType::bf16) return round_bfloat(v);
    return v;
  }
  template <ComputeType C>
  static Table table(const float* levels, float factor) {
    const Vector scale = broadcast(factor);
    return {round_level<C>(multiply(load(levels), scale)), round_level<C>(multiply(load(levels + 8), scale))};
  }
  /// Codes in the low four bits of each lane; bits above them are ignored by the permutation.
  static Vector look_up_lanes(const Table& table, __m256i codes) {
    const Vector low = _mm256_permutevar8x32_ps(table.low, codes);
    const Vector high = _mm256_permutevar8x32_ps(table.high, codes);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(codes, 28)));
  }
  static void look_up(const Table& table, const std::uint8_t* codes, Vector& even, Vector& odd) {
    const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
    even = look_up_lanes(table, _mm256_srli_epi32(wide, 4));
    odd = look_up_lanes(table, wide);
  }

  struct DoubleSum {
    __m256d low, high;
  };
  static DoubleSum double_zero() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
  static DoubleSum add_double(DoubleSum sum, Vector v) {
    return {_mm256_add_pd(sum.low, _mm256_cvtps_pd(_mm256_castps256_ps128(v))),
            _mm256_add_pd(sum.high, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)))};
  }
  static double double_total(const DoubleSum& sum) {
    double lanes[4];
    _mm256_storeu_pd(lanes, _mm256_add_pd(sum.low, sum.high));
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
  }
};

struct Avx2Integers {
  using Element = std::int16_t;
  using Product = std::int32_t;
  using Vector = __m256i;
  using Sum = __m256i;
  static constexpr int step = 16;
  static constexpr int tile_rows = 3;
  static constexpr int tile_columns = 4;
  static Sum zero() { return _mm256_setzero_si256(); }
  static Vector load(const Element* values) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)); }
  static Sum multiply_add(Vector a, Vector b, Sum sum) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
  static Product total(Sum sum) {
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
  }
};

}  // namespace
}  // namespace quantscope
