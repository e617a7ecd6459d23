// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd_kernels.h"

/// The linear kernels over a vector type `L` ("lanes"): pack, decode and multiply. Everything has internal linkage, as
/// each including file is compiled for another CPU.
namespace quantscope {
namespace {

template <class L, ComputeType C>
typename L::Vector round_lanes(typename L::Vector values) {
  if constexpr (C == ComputeType::fp16) return L::round_half(values);
  if constexpr (C == ComputeType::bf16) return L::round_bfloat(values);
  return values;
}

/// fp32 elements; fp16 and bf16 compute keep their rounded values in fp32.
template <class L>
struct FloatOperand {
  using Element = float;
  using Vector = typename L::Vector;
  using Sum = typename L::Vector;
  using Product = float;
  static constexpr int step = L::width;
  static constexpr int tile_rows = L::tile_rows;
  static constexpr int tile_columns = L::tile_columns;
  static Sum zero() { return L::broadcast(0.0F); }
  static Vector load(const Element* values) { return L::load(values); }
  static void store(Element* values, Vector vector) { L::store(values, vector); }
  static Sum multiply_add(Vector a, Vector b, Sum sum) { return L::multiply_add(a, b, sum); }
  static float total(Sum sum) { return L::sum(sum); }
};

/// Dense and 8-bit weights: `Code` values in natural order.
template <class L, ComputeType C, WeightKind kind>
struct DenseSource;

template <class L, ComputeType C>
struct DenseSource<L, C, WeightKind::float32> {
  using Operand = FloatOperand<L>;
  using Code = float;
  static typename L::Vector decode(const Code* codes, float) { return round_lanes<L, C>(L::load(codes)); }
};

template <class L, ComputeType C>
struct DenseSource<L, C, WeightKind::float16> {
  using Operand = FloatOperand<L>;
  using Code = std::uint16_t;
  static constexpr ComputeType rounding = C == ComputeType::fp16 ? ComputeType::fp32 : C;
  static typename L::Vector decode(const Code* codes, float) { return round_lanes<L, rounding>(L::load_half(codes)); }
};

template <class L, ComputeType C>
struct DenseSource<L, C, WeightKind::bfloat16> {
  using Operand = FloatOperand<L>;
  using Code = std::uint16_t;
  static constexpr ComputeType rounding = C == ComputeType::bf16 ? ComputeType::fp32 : C;
  static typename L::Vector decode(const Code* codes, float) { return round_lanes<L, rounding>(L::load_bfloat(codes)); }
};

template <class L, ComputeType C>
struct DenseSource<L, C, WeightKind::signed8> {
  using Operand = FloatOperand<L>;
  using Code = std::int8_t;
  static typename L::Vector decode(const Code* codes, float absmax) {
    return round_lanes<L, C>(L::decode_signed8(codes, absmax));
  }
};

/// Adds rows to a source that decodes one vector of codes at a time.
template <class Base>
struct RowsOf : Base {
  using typename Base::Code;
  using typename Base::Operand;
  using Vector = typename Operand::Vector;
  static constexpr int step = Operand::step;
  static constexpr int vectors = 1;
  static constexpr bool has_tail = true;

  struct Row {
    const Code* codes;
    float factor;
  };

  static const void* address(const Row& row, std::int64_t column) { return row.codes + column; }
  static Row row(const WeightRows& weight, std::int64_t index) {
    return {static_cast<const Code*>(weight.codes) + index * weight.columns,
            sizeof(Code) == 1 ? weight.factors[index] : 1.0F};
  }
  static void load(const WeightRows&, const Row& row, std::int64_t column, Vector (&values)[vectors]) {
    values[0] = Base::decode(row.codes + column, row.factor);
  }
  static void load_tail(const Row& row, std::int64_t column, std::int64_t count, Vector (&values)[vectors]) {
    Code rest[step] = {};
    std::memcpy(rest, row.codes + column, static_cast<std::size_t>(count) * sizeof(Code));
    values[0] = Base::decode(rest, row.factor);
  }
};

/// 4-bit codes, `blocks` of them in a span or fewer. Elements come as `width` even ones, then `width` odd ones, and so
/// on: bytes need no shuffle.
template <class L, ComputeType C, int blocks>
struct NibbleSource {
  using Operand = FloatOperand<L>;
  using Vector = typename L::Vector;
  static constexpr int step = nibble_span;
  static constexpr int vectors = nibble_span / L::width;
  static constexpr bool has_tail = false;

  struct Row {
    const std::uint8_t* codes;
    std::int64_t first_element;
  };

  static const void* address(const Row& row, std::int64_t column) { return row.codes + column / 2; }
  static Row row(const WeightRows& weight, std::int64_t index) {
    const std::int64_t first = index * weight.columns;
    return {static_cast<const std::uint8_t*>(weight.codes) + first / 2, first};
  }
  static float factor(const WeightRows& weight, const Row& row, std::int64_t column) {
    return weight.factors[((row.first_element + column) >> weight.block_shift) - weight.first_block];
  }
  static void load(const WeightRows& weight, const Row& row, std::int64_t column, Vector (&values)[vectors]) {
    constexpr int block_vectors = vectors / blocks;
    for (int block = 0; block < blocks; ++block) {
      const std::int64_t first = column + block * (nibble_span / blocks);
      const auto table = L::template table<C>(weight.levels, factor(weight, row, first));
      for (int v = 0; v < block_vectors; v += 2) {
        const int at = block * block_vectors + v;
        L::look_up(table, row.codes + first / 2 + v / 2 * L::width, values[at], values[at + 1]);
      }
    }
  }
};

/// Weight rows [first, first + N) times x, N independent chains of sums.
template <class Source, int N>
void multiply_few_rows(const WeightRows& weight, const typename Source::Operand::Element* x, std::int64_t first,
                       float* products) {
  using Operand = typename Source::Operand;
  typename Source::Row rows[N];
  typename Operand::Sum sums[N];
  for (int n = 0; n < N; ++n) rows[n] = Source::row(weight, first + n);
  for (int n = 0; n < N; ++n) sums[n] = Operand::zero();
  const auto add = [&](int n, std::int64_t column, const typename Operand::Vector(&values)[Source::vectors]) {
    for (int v = 0; v < Source::vectors; ++v) {
      sums[n] = Operand::multiply_add(Operand::load(x + column + v * Operand::step), values[v], sums[n]);
    }
  };
  const std::int64_t full = weight.columns / Source::step * Source::step;
  // Rows are too short for the CPU to notice N parallel streams, so the next N rows are asked for here.
  const std::int64_t ahead = N * weight.columns;
  for (std::int64_t column = 0; column < full; column += Source::step) {
#pragma GCC unroll 16
    for (int n = 0; n < N; ++n) {
      if constexpr (N == 8) __builtin_prefetch(Source::address(rows[n], column + ahead), 0, 2);
      typename Operand::Vector values[Source::vectors];
      Source::load(weight, rows[n], column, values);
      add(n, column, values);
    }
  }
  if constexpr (Source::has_tail) {
    for (int n = 0; full < weight.columns && n < N; ++n) {
      typename Operand::Vector values[Source::vectors];
      Source::load_tail(rows[n], full, weight.columns - full, values);
      add(n, full, values);
    }
  }
  for (int n = 0; n < N; ++n) products[n] = Operand::total(sums[n]);
}

template <class Source>
void multiply_row(const WeightRows& weight, const void* x, std::int64_t first, std::int64_t rows, float* products) {
  const auto* packed = static_cast<const typename Source::Operand::Element*>(x);
  std::int64_t n = 0;
  for (; n + 8 <= rows; n += 8) multiply_few_rows<Source, 8>(weight, packed, first + n, products + n);
  for (; n + 2 <= rows; n += 2) multiply_few_rows<Source, 2>(weight, packed, first + n, products + n);
  if (n < rows) multiply_few_rows<Source, 1>(weight, packed, first + n, products + n);
}

template <class Source>
void decode_panel(const WeightRows& weight, std::int64_t first, std::int64_t rows, void* panel) {
  using Operand = typename Source::Operand;
  auto* out = static_cast<typename Operand::Element*>(panel);
  const std::int64_t full = weight.columns / Source::step * Source::step;
  for (std::int64_t n = 0; n < rows; ++n) {
    const auto row = Source::row(weight, first + n);
    typename Operand::Vector values[Source::vectors];
    const auto put = [&] {
      for (int v = 0; v < Source::vectors; ++v, out += Operand::step) Operand::store(out, values[v]);
    };
    for (std::int64_t column = 0; column < full; column += Source::step) {
      Source::load(weight, row, column, values);
      put();
    }
    if constexpr (Source::has_tail) {
      if (full == weight.columns) continue;
      Source::load_tail(row, full, weight.columns - full, values);
      put();
    }
  }
}

/// MR activation rows times NR panel rows: each of the MR * NR products has its own chain of sums.
template <class Operand, int MR, int NR>
void multiply_tile(const typename Operand::Element* x, const typename Operand::Element* panel, std::int64_t length,
                   typename Operand::Product* products, std::int64_t product_stride) {
  typename Operand::Sum sums[MR][NR];
  for (int m = 0; m < MR; ++m) {
    for (int n = 0; n < NR; ++n) sums[m][n] = Operand::zero();
  }
  for (std::int64_t k = 0; k < length; k += Operand::step) {
    typename Operand::Vector rows[MR];
#pragma GCC unroll 8
    for (int m = 0; m < MR; ++m) rows[m] = Operand::load(x + m * length + k);
#pragma GCC unroll 8
    for (int n = 0; n < NR; ++n) {
      const typename Operand::Vector column = Operand::load(panel + n * length + k);
#pragma GCC unroll 8
      for (int m = 0; m < MR; ++m) sums[m][n] = Operand::multiply_add(rows[m], column, sums[m][n]);
    }
  }
  for (int m = 0; m < MR; ++m) {
    for (int n = 0; n < NR; ++n) products[m * product_stride + n] = Operand::total(sums[m][n]);
  }
}

template <class Operand, int MR>
void multiply_strip(const typename Operand::Element* x, const typename Operand::Element* panel, std::int64_t panel_rows,
                    std::int64_t length, typename Operand::Product* products) {
  for (std::int64_t n = 0; n < panel_rows; n += Operand::tile_columns) {
    multiply_tile<Operand, MR, Operand::tile_columns>(x, panel + n * length, length, products + n, panel_rows);
  }
}

template <class Operand>
void multiply_panel(const void* x, std::int64_t x_rows, const void* panel, std::int64_t panel_rows, std::int64_t length,
                    typename Operand::Product* products) {
  constexpr int strip = Operand::tile_rows;
  const auto* rows = static_cast<const typename Operand::Element*>(x);
  const auto* columns = static_cast<const typename Operand::Element*>(panel);
  std::int64_t m = 0;
  for (; m + strip <= x_rows; m += strip) {
    multiply_strip<Operand, strip>(rows + m * length, columns, panel_rows, length, products + m * panel_rows);
  }
  for (; m < x_rows; ++m) {
    multiply_strip<Operand, 1>(rows + m * length, columns, panel_rows, length, products + m * panel_rows);
  }
}

template <class L, ComputeType C>
void pack_natural(const float* x, std::int64_t columns, void* packed) {
  auto* out = static_cast<float*>(packed);
  const std::int64_t full = columns / L::width * L::width;
  for (std::int64_t k = 0; k < full; k += L::width) L::store(out + k, round_lanes<L, C>(L::load(x + k)));
  if (full == columns) return;
  float rest[L::width] = {};
  std::memcpy(rest, x + full, static_cast<std::size_t>(columns - full) * sizeof(float));
  L::store(out + full, round_lanes<L, C>(L::load(rest)));
}

/// The order of NibbleSource. Precondition: columns is a multiple of nibble_span.
template <class L, ComputeType C>
void pack_split(const float* x, std::int64_t columns, void* packed) {
  auto* out = static_cast<float*>(packed);
  for (std::int64_t k = 0; k < columns; k += 2 * L::width) {
    float even[L::width];
    float odd[L::width];
    for (int i = 0; i < L::width; ++i) {
      even[i] = x[k + 2 * i];
      odd[i] = x[k + 2 * i + 1];
    }
    L::store(out + k, round_lanes<L, C>(L::load(even)));
    L::store(out + k + L::width, round_lanes<L, C>(L::load(odd)));
  }
}

template <class Source>
constexpr LinearKernel kernel_of(void (*pack)(const float*, std::int64_t, void*)) {
  using Operand = typename Source::Operand;
  LinearKernel kernel;
  kernel.element_bytes = sizeof(typename Operand::Element);
  kernel.step = Source::step;
  kernel.panel_rows = Operand::tile_columns;
  kernel.pack = pack;
  kernel.decode = decode_panel<Source>;
  kernel.multiply_row = multiply_row<Source>;
  kernel.multiply = multiply_panel<Operand>;
  return kernel;
}

/// The kernels of one compute type that work in fp32 lanes.
template <class L, ComputeType C>
constexpr void fill_float_kernels(SimdKernels& kernels) {
  constexpr int compute = static_cast<int>(C);
  const auto dense = [&]<WeightKind kind>() {
    kernels.linear[static_cast<int>(kind)][compute] = kernel_of<RowsOf<DenseSource<L, C, kind>>>(pack_natural<L, C>);
  };
  dense.template operator()<WeightKind::float32>();
  dense.template operator()<WeightKind::float16>();
  dense.template operator()<WeightKind::bfloat16>();
  dense.template operator()<WeightKind::signed8>();
  kernels.linear[static_cast<int>(WeightKind::nibbles)][compute] = kernel_of<NibbleSource<L, C, 1>>(pack_split<L, C>);
  kernels.linear[static_cast<int>(WeightKind::nibbles_of_half)][compute] =
      kernel_of<NibbleSource<L, C, 2>>(pack_split<L, C>);
}

template <class Operand>
void widen_codes(const std::int8_t* codes, std::int64_t columns, std::int16_t* widened) {
  for (std::int64_t k = 0; k < columns; ++k) widened[k] = codes[k];
  const std::int64_t padded = (columns + Operand::step - 1) / Operand::step * Operand::step;
  for (std::int64_t k = columns; k < padded; ++k) widened[k] = 0;
}

template <class Operand>
void multiply_integers(const std::int16_t* x, std::int64_t x_rows, const std::int16_t* panel, std::int64_t panel_rows,
                       std::int64_t padded_columns, std::int32_t* products) {
  multiply_panel<Operand>(x, x_rows, panel, panel_rows, padded_columns, products);
}

template <class Operand>
constexpr IntegerKernel integer_kernel() {
  return {Operand::step, Operand::tile_columns, widen_codes<Operand>, multiply_integers<Operand>};
}

}  // namespace
}  // namespace quantscope
