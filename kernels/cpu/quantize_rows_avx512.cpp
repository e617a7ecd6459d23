// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns about its own intrinsics, which begin from undefined registers on purpose (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "kernels/cpu/quantize_rows_kernels.h"
#include "kernels/cpu/quantize_rows_search.h"

#define QUANTSCOPE_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

namespace quantscope {
namespace {
constexpr std::int64_t lanes = 16;

QUANTSCOPE_TARGET __m512 magnitudes(__m512 values) { return _mm512_abs_ps(values); }

/// One level of the search: path becomes 2 * path + (value above the threshold of its node).
QUANTSCOPE_TARGET __m512i descend(__m512i path, __m512 values, __m512 thresholds) {
  const __mmask16 above = _mm512_cmp_ps_mask(values, thresholds, _CMP_GT_OQ);
  const __m512i doubled = _mm512_add_epi32(path, path);
  return _mm512_mask_add_epi32(doubled, above, doubled, _mm512_set1_epi32(1));
}

template <int depth>
QUANTSCOPE_TARGET __m512i search(__m512 values, const SearchTree<depth>& tree) {
  __m512i path = _mm512_setzero_si512();
  for (int level = 0; level < depth; ++level) {
    const __m512 nodes = _mm512_zextps256_ps512(_mm256_load_ps(tree.nodes[level]));
    path = descend(path, values, _mm512_permutexvar_ps(path, nodes));
  }
  return path;
}

/// Puts lane pairs into bytes, the first of a pair into the high nibble.
QUANTSCOPE_TARGET void store_pairs(__m512i codes, std::uint8_t* packed) {
  const __m512i pairs = _mm512_or_si512(_mm512_slli_epi64(codes, 4), _mm512_srli_epi64(codes, 32));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(packed), _mm512_cvtepi64_epi8(pairs));
}

QUANTSCOPE_TARGET float block_absmax(const float* values, std::int64_t count) {
  __m512 largest = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < count; i += lanes) {
    const std::int64_t left = count - i;
    const auto used = static_cast<__mmask16>(left >= lanes ? 0xFFFF : (1 << left) - 1);
    // The maximum returns its second operand for NaN, which so is passed over.
    largest = _mm512_max_ps(magnitudes(_mm512_maskz_loadu_ps(used, values + i)), largest);
  }
  const float absmax = _mm512_reduce_max_ps(largest);
  return absmax < 0x1p-126F ? 0.0F : absmax;
}

QUANTSCOPE_TARGET void encode_nf4(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) {
  const __m512 reciprocal = _mm512_set1_ps(divisor);
  for (std::int64_t i = 0; i < count; i += lanes)
    store_pairs(search(_mm512_mul_ps(_mm512_loadu_ps(values + i), reciprocal), nf4_search_tree), packed + i / 2);
}

QUANTSCOPE_TARGET void encode_fp4(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) {
  const __m512 reciprocal = _mm512_set1_ps(divisor);
  const __m512 below_zero = _mm512_set1_ps(-0x1p-126F);
  const __m512i code_of_rank = _mm512_setr_epi32(0, 1, 6, 7, 4, 5, 2, 3, 8, 9, 14, 15, 12, 13, 10, 11);
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m512 value = _mm512_loadu_ps(values + i);
    const __m512 normalized = _mm512_mul_ps(value, reciprocal);
    const __mmask16 negative =
        _mm512_cmp_ps_mask(value, below_zero, _CMP_LE_OQ) & _mm512_cmp_ps_mask(normalized, below_zero, _CMP_LE_OQ);
    const __m512i rank = search(magnitudes(normalized), fp4_search_tree);
    const __m512i signed_rank = _mm512_mask_or_epi32(rank, negative, rank, _mm512_set1_epi32(8));
    store_pairs(_mm512_permutexvar_epi32(signed_rank, code_of_rank), packed + i / 2);
  }
}

QUANTSCOPE_TARGET __m512i round_clamped(__m512 steps, float limit) {
  const __mmask16 ordered = _mm512_cmp_ps_mask(steps, steps, _CMP_ORD_Q);
  const __m512 clamped = _mm512_min_ps(_mm512_max_ps(steps, _mm512_set1_ps(-limit)), _mm512_set1_ps(limit));
  return _mm512_maskz_cvtps_epi32(ordered, clamped);
}

QUANTSCOPE_TARGET void encode_int4(const float* values, std::int64_t count, float divisor, std::uint8_t* packed) {
  const __m512 scale = _mm512_set1_ps(divisor);
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m512i steps = round_clamped(_mm512_div_ps(_mm512_loadu_ps(values + i), scale), 7.0F);
    store_pairs(_mm512_add_epi32(steps, _mm512_set1_epi32(8)), packed + i / 2);
  }
}

QUANTSCOPE_TARGET __m512 through_fp16(const float* values) {
  return _mm512_cvtph_ps(_mm512_cvtps_ph(_mm512_loadu_ps(values), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

QUANTSCOPE_TARGET float int8_absmax(const float* values, std::int64_t count) {
  __m512 largest = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < count; i += lanes)
    largest = _mm512_max_ps(magnitudes(through_fp16(values + i)), largest);
  return _mm512_reduce_max_ps(largest);
}

QUANTSCOPE_TARGET void encode_int8(const float* values, std::int64_t count, float multiplier, std::int8_t* codes) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m512i steps = round_clamped(_mm512_mul_ps(through_fp16(values + i), _mm512_set1_ps(multiplier)), 127.0F);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + i), _mm512_cvtepi32_epi8(steps));
  }
}

QUANTSCOPE_TARGET void to_fp16(const float* values, std::int64_t count, std::uint16_t* bits) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m256i half = _mm512_cvtps_ph(_mm512_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits + i), half);
  }
}

QUANTSCOPE_TARGET void to_bf16(const float* values, std::int64_t count, std::uint16_t* bits) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m512 value = _mm512_loadu_ps(values + i);
    const __m512i pattern = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(pattern, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(pattern, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __m512i quiet = _mm512_or_si512(pattern, _mm512_set1_epi32(0x00400000));
    const __mmask16 not_a_number = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    const __m512i upper = _mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, not_a_number, quiet), 16);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits + i), _mm512_cvtepi32_epi16(upper));
  }
}
}  // namespace

const EncodeKernels& avx512_encode_kernels() {
  static constexpr EncodeKernels kernels = {block_absmax, encode_nf4,  encode_fp4, encode_int4,
                                            int8_absmax,  encode_int8, to_fp16,    to_bf16};
  return kernels;
}

}  // namespace quantscope
#endif
