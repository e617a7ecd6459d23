// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/formats/ggml_decode_avx2.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/formats/ggml_blocks.h"
#include "kernels/formats/ggml_k_blocks.h"

// Not FMA: products and sums are rounded one by one, as elsewhere.
#define QUANTSCOPE_AVX2 __attribute__((target("avx2")))
#define QUANTSCOPE_AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline

namespace quantscope {
namespace {

QUANTSCOPE_AVX2_INLINE __m128i load_bytes(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

QUANTSCOPE_AVX2_INLINE __m128i low_nibbles(__m128i bytes) { return _mm_and_si128(bytes, _mm_set1_epi8(15)); }
QUANTSCOPE_AVX2_INLINE __m128i high_nibbles(__m128i bytes) { return low_nibbles(_mm_srli_epi16(bytes, 4)); }

/// Eight signed bytes as floats.
QUANTSCOPE_AVX2_INLINE __m256 as_floats(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); }

/// scale * code of 16 signed bytes.
QUANTSCOPE_AVX2_INLINE void scale_16(__m128i codes, float scale, float* values) {
  const __m256 factor = _mm256_set1_ps(scale);
  _mm256_storeu_ps(values, _mm256_mul_ps(factor, as_floats(codes)));
  _mm256_storeu_ps(values + 8, _mm256_mul_ps(factor, as_floats(_mm_srli_si128(codes, 8))));
}

/// code * scale + minimum of 16 bytes below 128.
QUANTSCOPE_AVX2_INLINE void scale_and_add_16(__m128i codes, float scale, float minimum, float* values) {
  const __m256 factor = _mm256_set1_ps(scale), offset = _mm256_set1_ps(minimum);
  _mm256_storeu_ps(values, _mm256_add_ps(_mm256_mul_ps(as_floats(codes), factor), offset));
  const __m256 upper = as_floats(_mm_srli_si128(codes, 8));
  _mm256_storeu_ps(values + 8, _mm256_add_ps(_mm256_mul_ps(upper, factor), offset));
}

QUANTSCOPE_AVX2 void decode_q8_0(const std::byte* block, std::int64_t count, float* values) {
  for (; count > 0; --count, block += 34, values += 32) {
    const float scale = detail::load_fp16(block);
    scale_16(load_bytes(block + 2), scale, values);
    scale_16(load_bytes(block + 18), scale, values + 16);
  }
}

QUANTSCOPE_AVX2 void decode_q4_0(const std::byte* block, std::int64_t count, float* values) {
  const __m128i zero = _mm_set1_epi8(8);
  for (; count > 0; --count, block += 18, values += 32) {
    const float scale = detail::load_fp16(block);
    const __m128i codes = load_bytes(block + 2);
    scale_16(_mm_sub_epi8(low_nibbles(codes), zero), scale, values);
    scale_16(_mm_sub_epi8(high_nibbles(codes), zero), scale, values + 16);
  }
}

QUANTSCOPE_AVX2 void decode_q4_1(const std::byte* block, std::int64_t count, float* values) {
  for (; count > 0; --count, block += 20, values += 32) {
    const float scale = detail::load_fp16(block), minimum = detail::load_fp16(block + 2);
    const __m128i codes = load_bytes(block + 4);
    scale_and_add_16(low_nibbles(codes), scale, minimum, values);
    scale_and_add_16(high_nibbles(codes), scale, minimum, values + 16);
  }
}

QUANTSCOPE_AVX2 void decode_iq4_nl(const std::byte* block, std::int64_t count, float* values) {
  const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(iq4_levels));
  for (; count > 0; --count, block += 18, values += 32) {
    const float scale = detail::load_fp16(block);
    const __m128i codes = load_bytes(block + 2);
    scale_16(_mm_shuffle_epi8(levels, low_nibbles(codes)), scale, values);
    scale_16(_mm_shuffle_epi8(levels, high_nibbles(codes)), scale, values + 16);
  }
}

/// Two sub-blocks of 32 lie in the low and the high nibbles of 32 bytes.
QUANTSCOPE_AVX2 void decode_q4_k(const std::byte* block, std::int64_t count, float* values) {
  for (; count > 0; --count, block += 144) {
    const float scale = detail::load_fp16(block), minimum = detail::load_fp16(block + 2);
    for (int sub_block = 0; sub_block < 8; ++sub_block, values += 32) {
      const ScaleAndMinimum packed = unpack_k_scale(block + 4, sub_block);
      const float step = scale * static_cast<float>(packed.scale), least = minimum * static_cast<float>(packed.minimum);
      const std::byte* codes = block + 16 + std::ptrdiff_t{sub_block / 2} * 32;
      const __m128i first = load_bytes(codes), second = load_bytes(codes + 16);
      const bool low = sub_block % 2 == 0;
      scale_and_add_16(low ? low_nibbles(first) : high_nibbles(first), step, -least, values);
      scale_and_add_16(low ? low_nibbles(second) : high_nibbles(second), step, -least, values + 16);
    }
  }
}

/// 16 codes of 6 bits: nibbles, and pairs of bits moved to bits 4 and 5.
template <int quarter>
QUANTSCOPE_AVX2_INLINE __m128i six_bits(__m128i low, __m128i high) {
  const __m128i nibbles = quarter < 2 ? low_nibbles(low) : high_nibbles(low);
  const __m128i shifted = quarter < 2 ? _mm_slli_epi16(high, 4 - 2 * quarter) : _mm_srli_epi16(high, 2 * quarter - 4);
  const __m128i code = _mm_or_si128(nibbles, _mm_and_si128(shifted, _mm_set1_epi8(0x30)));
  return _mm_sub_epi8(code, _mm_set1_epi8(32));
}

/// A quarter of half a block: two sub-blocks of 16.
template <int quarter>
QUANTSCOPE_AVX2_INLINE void decode_q6_k_quarter(const std::byte* low, const std::byte* high, const std::byte* scales,
                                                float scale, float* values) {
  for (std::ptrdiff_t part = 0; part < 2; ++part) {
    const __m128i codes = six_bits<quarter>(load_bytes(low + 16 * part), load_bytes(high + 16 * part));
    scale_16(codes, scale * static_cast<float>(detail::load_i8(scales + part)), values + 16 * part);
  }
}

QUANTSCOPE_AVX2 void decode_q6_k(const std::byte* block, std::int64_t count, float* values) {
  for (; count > 0; --count, block += 210) {
    const float scale = detail::load_fp16(block + 208);
    for (std::ptrdiff_t half = 0; half < 2; ++half, values += 128) {
      const std::byte *low = block + 64 * half, *high = block + 128 + 32 * half, *scales = block + 192 + 8 * half;
      decode_q6_k_quarter<0>(low, high, scales, scale, values);
      decode_q6_k_quarter<1>(low + 32, high, scales + 2, scale, values + 32);
      decode_q6_k_quarter<2>(low, high, scales + 4, scale, values + 64);
      decode_q6_k_quarter<3>(low + 32, high, scales + 6, scale, values + 96);
    }
  }
}

}  // namespace

GgmlBlocksDecoder ggml_decoder_avx2(GgmlType type) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (!has_avx2) return nullptr;
  switch (type) {
    case GgmlType::q8_0: return decode_q8_0;
    case GgmlType::q4_0: return decode_q4_0;
    case GgmlType::q4_1: return decode_q4_1;
    case GgmlType::iq4_nl: return decode_iq4_nl;
    case GgmlType::q4_k: return decode_q4_k;
    case GgmlType::q6_k: return decode_q6_k;
    default: return nullptr;
  }
}

}  // namespace quantscope

#else

namespace quantscope {

GgmlBlocksDecoder ggml_decoder_avx2(GgmlType) { return nullptr; }

}  // namespace quantscope

#endif
