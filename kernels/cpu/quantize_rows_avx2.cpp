// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/quantize_rows_kernels.h"
#include "kernels/cpu/quantize_rows_search.h"

#define QUANTSCOPE_TARGET __attribute__((target("avx2,f16c")))

namespace quantscope {
namespace {
constexpr std::int64_t lanes = 8;

/// Codes of one span, 8 in each vector.
struct SpanCodes {
  __m256i parts[4];
};

QUANTSCOPE_TARGET __m256 magnitudes(__m256 values) {
  return _mm256_and_ps(values, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF)));
}

template <int depth>
QUANTSCOPE_TARGET __m256i search(__m256 values, const SearchTree<depth>& tree) {
  __m256i path = _mm256_setzero_si256();
  for (int level = 0; level < depth; ++level) {
    const __m256 thresholds = _mm256_permutevar8x32_ps(_mm256_load_ps(tree.nodes[level]), path);
    // A comparison that holds gives -1.
    const __m256i above = _mm256_castps_si256(_mm256_cmp_ps(values, thresholds, _CMP_GT_OQ));
    path = _mm256_sub_epi32(_mm256_add_epi32(path, path), above);
  }
  return path;
}

QUANTSCOPE_TARGET float largest_lane(__m256 values) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

/// The 32 lanes as bytes, in order.
QUANTSCOPE_TARGET __m256i to_bytes(const SpanCodes& codes) {
  const __m256i first = _mm256_packs_epi32(codes.parts[0], codes.parts[1]);
  const __m256i second = _mm256_packs_epi32(codes.parts[2], codes.parts[3]);
  const __m256i interleaved = _mm256_packs_epi16(first, second);
  return _mm256_permutevar8x32_epi32(interleaved, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// Puts byte pairs into one byte, the first of a pair into the high nibble.
QUANTSCOPE_TARGET void store_pairs(const SpanCodes& codes, std::uint8_t* packed) {
  const __m256i pairs = _mm256_maddubs_epi16(to_bytes(codes), _mm256_set1_epi16(0x0110));
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(packed), bytes);
}

QUANTSCOPE_TARGET float block_absmax(const float* values, std::int64_t count) {
  __m256 largest = _mm256_setzero_ps();
  std::int64_t i = 0;
  // The maximum returns its second operand for NaN, which so is passed over.
  for (; i + lanes <= count; i += lanes) largest = _mm256_max_ps(magnitudes(_mm256_loadu_ps(values + i)), largest);
  float absmax = largest_lane(largest);
  for (; i < count; ++i) {
    const float size = values[i] < 0.0F ? -values[i] : values[i];
    absmax = size > absmax ? size : absmax;
  }
  return absmax < 0x1p-126F ? 0.0F : absmax;
}

QUANTSCOPE_TARGET void encode_nf4(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) {
  const __m256 reciprocal = _mm256_set1_ps(divisor);
  for (std::int64_t i = 0; i < count; i += encode_span) {
    SpanCodes codes;
    for (int part = 0; part < 4; ++part) {
      const __m256 value = _mm256_loadu_ps(values + i + part * lanes);
      codes.parts[part] = search(_mm256_mul_ps(value, reciprocal), nf4_search_tree);
    }
    store_pairs(codes, packed + i / 2);
  }
}

QUANTSCOPE_TARGET __m256i fp4_codes(__m256 values, __m256 reciprocal) {
  const __m256 normalized = _mm256_mul_ps(values, reciprocal);
  const __m256 below_zero = _mm256_set1_ps(-0x1p-126F);
  const __m256 negative =
      _mm256_and_ps(_mm256_cmp_ps(values, below_zero, _CMP_LE_OQ), _mm256_cmp_ps(normalized, below_zero, _CMP_LE_OQ));
  const __m256i rank = search(magnitudes(normalized), fp4_search_tree);
  const __m256i codes = _mm256_permutevar8x32_epi32(_mm256_setr_epi32(0, 1, 6, 7, 4, 5, 2, 3), rank);
  return _mm256_or_si256(codes, _mm256_and_si256(_mm256_castps_si256(negative), _mm256_set1_epi32(8)));
}

QUANTSCOPE_TARGET void encode_fp4(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) {
  const __m256 reciprocal = _mm256_set1_ps(divisor);
  for (std::int64_t i = 0; i < count; i += encode_span) {
    SpanCodes codes;
    for (int part = 0; part < 4; ++part)
      codes.parts[part] = fp4_codes(_mm256_loadu_ps(values + i + part * lanes), reciprocal);
    store_pairs(codes, packed + i / 2);
  }
}

/// Rounded to even within the limit; 0 for NaN.
QUANTSCOPE_TARGET __m256i round_clamped(__m256 steps, float limit) {
  const __m256 ordered = _mm256_cmp_ps(steps, steps, _CMP_ORD_Q);
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(steps, _mm256_set1_ps(-limit)), _mm256_set1_ps(limit));
  return _mm256_cvtps_epi32(_mm256_and_ps(clamped, ordered));
}

QUANTSCOPE_TARGET void encode_int4(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) {
  const __m256 scale = _mm256_set1_ps(divisor);
  for (std::int64_t i = 0; i < count; i += encode_span) {
    SpanCodes codes;
    for (int part = 0; part < 4; ++part) {
      const __m256i steps = round_clamped(_mm256_div_ps(_mm256_loadu_ps(values + i + part * lanes), scale), 7.0F);
      codes.parts[part] = _mm256_add_epi32(steps, _mm256_set1_epi32(8));
    }
    store_pairs(codes, packed + i / 2);
  }
}

QUANTSCOPE_TARGET __m128i to_half(const float* values) {
  return _mm256_cvtps_ph(_mm256_loadu_ps(values), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

QUANTSCOPE_TARGET float int8_absmax(const float* values, std::int64_t count) {
  __m256 largest = _mm256_setzero_ps();
  for (std::int64_t i = 0; i < count; i += lanes)
    largest = _mm256_max_ps(magnitudes(_mm256_cvtph_ps(to_half(values + i))), largest);
  return largest_lane(largest);
}

QUANTSCOPE_TARGET void encode_int8(const float* values, std::int64_t count, float multiplier, std::int8_t* codes) {
  const __m256 factor = _mm256_set1_ps(multiplier);
  for (std::int64_t i = 0; i < count; i += encode_span) {
    SpanCodes span;
    for (int part = 0; part < 4; ++part) {
      const __m256 value = _mm256_cvtph_ps(to_half(values + i + part * lanes));
      span.parts[part] = round_clamped(_mm256_mul_ps(value, factor), 127.0F);
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + i), to_bytes(span));
  }
}

QUANTSCOPE_TARGET void to_fp16(const float* values, std::int64_t count, std::uint16_t* bits) {
  for (std::int64_t i = 0; i < count; i += lanes)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bits + i), to_half(values + i));
}

/// The upper halves of 8 values after rounding, in 32-bit lanes.
QUANTSCOPE_TARGET __m256i rounded_upper_halves(__m256 values) {
  const __m256i pattern = _mm256_castps_si256(values);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(pattern, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(pattern, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  const __m256i quiet = _mm256_or_si256(pattern, _mm256_set1_epi32(0x00400000));
  const __m256i not_a_number = _mm256_castps_si256(_mm256_cmp_ps(values, values, _CMP_UNORD_Q));
  return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, not_a_number), 16);
}

QUANTSCOPE_TARGET void to_bf16(const float* values, std::int64_t count, std::uint16_t* bits) {
  for (std::int64_t i = 0; i < count; i += 2 * lanes) {
    const __m256i low = rounded_upper_halves(_mm256_loadu_ps(values + i));
    const __m256i high = rounded_upper_halves(_mm256_loadu_ps(values + i + lanes));
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits + i), packed);
  }
}
}  // namespace

const EncodeKernels& avx2_encode_kernels() {
  static constexpr EncodeKernels kernels = {block_absmax, encode_nf4,  encode_fp4, encode_int4,
                                            int8_absmax,  encode_int8, to_fp16,    to_bf16};
  return kernels;
}

}  // namespace quantscope
#endif
