// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
#include "kernels/cpu/lanes_avx512.h"
#include "kernels/cpu/simd_attention_template.h"
#include "kernels/cpu/simd_linear_template.h"
#include "kernels/cpu/simd_pointwise_template.h"

/// As avx512, with bf16 dot products where the compute type is bf16. The instruction treats subnormals as zero.
namespace quantscope {
namespace {

__m512i bits_of(__m512bh values) { return reinterpret_cast<__m512i>(values); }
__m512bh bfloats(__m512i bits) { return reinterpret_cast<__m512bh>(bits); }

/// 32 bf16 values per vector; a lane adds the products of two neighbours.
struct BfloatOperand {
  using Element = std::uint16_t;
  using Vector = __m512i;
  using Sum = __m512;
  using Product = float;
  static constexpr int step = 32;
  static constexpr int tile_rows = 4;
  static constexpr int tile_columns = 6;
  static Sum zero() { return _mm512_setzero_ps(); }
  static Vector load(const Element* values) { return _mm512_loadu_si512(values); }
  static void store(Element* values, Vector vector) { _mm512_storeu_si512(values, vector); }
  static Sum multiply_add(Vector a, Vector b, Sum sum) { return _mm512_dpbf16_ps(sum, bfloats(a), bfloats(b)); }
  static float total(Sum sum) { return Avx512Lanes::sum(sum); }
};

__m512i round_pair(__m512 low, __m512 high) { return bits_of(_mm512_cvtne2ps_pbh(high, low)); }

template <WeightKind kind>
struct BfloatSource {
  using Operand = BfloatOperand;
  using Wide = DenseSource<Avx512Lanes, ComputeType::fp32, kind>;
  using Code = typename Wide::Code;
  static __m512i decode(const Code* codes, float factor) {
    if constexpr (kind == WeightKind::bfloat16) {
      return _mm512_loadu_si512(codes);
    } else {
      return round_pair(Wide::decode(codes, factor), Wide::decode(codes + 16, factor));
    }
  }
};

/// One step is one span of 64 codes, in one block or two: 32 even elements, then 32 odd ones.
template <int blocks>
struct BfloatNibbleSource {
  using Operand = BfloatOperand;
  using Base = NibbleSource<Avx512Lanes, ComputeType::fp32, blocks>;
  using Row = typename Base::Row;
  static constexpr int step = nibble_span;
  static constexpr int vectors = 2;
  static constexpr bool has_tail = false;

  static const void* address(const Row& row, std::int64_t column) { return Base::address(row, column); }
  static Row row(const WeightRows& weight, std::int64_t index) { return Base::row(weight, index); }
  static __m256i table(const WeightRows& weight, const Row& row, std::int64_t column) {
    const __m512 levels = Avx512Lanes::table<ComputeType::fp32>(weight.levels, Base::factor(weight, row, column));
    return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(levels));
  }
  static void load(const WeightRows& weight, const Row& row, std::int64_t column, __m512i (&values)[vectors]) {
    const __m512i codes =
        _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row.codes + column / 2)));
    const __m512i shifted = _mm512_srli_epi16(codes, 4);
    if constexpr (blocks == 1) {
      // Twice the same 16 values: the permutation looks at five bits of a code, of which the fifth may be anything.
      const __m512i both = _mm512_broadcast_i64x4(table(weight, row, column));
      values[0] = _mm512_permutexvar_epi16(shifted, both);
      values[1] = _mm512_permutexvar_epi16(codes, both);
    } else {
      // The upper half of the lanes belongs to the second block: a fifth bit sends them to the second table.
      const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(table(weight, row, column)),
                                              table(weight, row, column + nibble_span / 2), 1);
      const __m512i fifth = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(16), 1);
      const __m512i low_bits = _mm512_set1_epi16(15);
      values[0] = _mm512_permutexvar_epi16(_mm512_or_si512(shifted, fifth), both);
      values[1] = _mm512_permutexvar_epi16(_mm512_or_si512(_mm512_and_si512(codes, low_bits), fifth), both);
    }
  }
};

void pack_bfloat(const float* x, std::int64_t columns, void* packed) {
  auto* out = static_cast<std::uint16_t*>(packed);
  std::int64_t k = 0;
  for (; k + 32 <= columns; k += 32)
    BfloatOperand::store(out + k, round_pair(_mm512_loadu_ps(x + k), _mm512_loadu_ps(x + k + 16)));
  if (k == columns) return;
  float rest[32] = {};
  std::memcpy(rest, x + k, static_cast<std::size_t>(columns - k) * sizeof(float));
  BfloatOperand::store(out + k, round_pair(_mm512_loadu_ps(rest), _mm512_loadu_ps(rest + 16)));
}

void pack_bfloat_split(const float* x, std::int64_t columns, void* packed) {
  auto* out = static_cast<std::uint16_t*>(packed);
  for (std::int64_t k = 0; k < columns; k += nibble_span) {
    float even[32];
    float odd[32];
    for (int i = 0; i < 32; ++i) {
      even[i] = x[k + 2 * i];
      odd[i] = x[k + 2 * i + 1];
    }
    pack_bfloat(even, 32, out + k);
    pack_bfloat(odd, 32, out + k + 32);
  }
}

constexpr SimdKernels make_kernels() {
  SimdKernels kernels;
  fill_float_kernels<Avx512Lanes, ComputeType::fp32>(kernels);
  fill_float_kernels<Avx512Lanes, ComputeType::fp16>(kernels);
  constexpr int bf16 = static_cast<int>(ComputeType::bf16);
  const auto dense = [&]<WeightKind kind>() {
    kernels.linear[static_cast<int>(kind)][bf16] = kernel_of<RowsOf<BfloatSource<kind>>>(pack_bfloat);
  };
  dense.template operator()<WeightKind::float32>();
  dense.template operator()<WeightKind::float16>();
  dense.template operator()<WeightKind::bfloat16>();
  dense.template operator()<WeightKind::signed8>();
  kernels.linear[static_cast<int>(WeightKind::nibbles)][bf16] = kernel_of<BfloatNibbleSource<1>>(pack_bfloat_split);
  kernels.linear[static_cast<int>(WeightKind::nibbles_of_half)][bf16] =
      kernel_of<BfloatNibbleSource<2>>(pack_bfloat_split);
  fill_attention_kernels<Avx512Lanes>(kernels);
  fill_pointwise_kernels<Avx512Lanes>(kernels);
  kernels.integer = integer_kernel<Avx512Integers>();
  return kernels;
}
constexpr SimdKernels kernels = make_kernels();
}  // namespace

const SimdKernels& avx512bf16_kernels() { return kernels; }

}  // namespace quantscope
#endif
