// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd_attention_template.h"
#include "kernels/cpu/simd_linear_template.h"
#include "kernels/cpu/simd_pointwise_template.h"
#include "kernels/formats/half.h"

/// Four lanes in portable code, which compilers turn into whatever the base instruction set has.
namespace quantscope {
namespace {

struct ScalarLanes {
  using Vector = float __attribute__((vector_size(16)));
  using Bits = std::uint32_t __attribute__((vector_size(16)));
  static constexpr int width = 4;
  static constexpr int tile_rows = 2;
  static constexpr int tile_columns = 4;
  static constexpr int attention_vectors = 2;

  static Vector load(const float* values) {
    Vector vector;
    std::memcpy(&vector, values, sizeof vector);
    return vector;
  }
  static void store(float* values, Vector vector) { std::memcpy(values, &vector, sizeof vector); }
  static Vector broadcast(float value) { return Vector{value, value, value, value}; }
  static Vector add(Vector a, Vector b) { return a + b; }
  static Vector subtract(Vector a, Vector b) { return a - b; }
  static Vector multiply(Vector a, Vector b) { return a * b; }
  static Vector divide(Vector a, Vector b) { return a / b; }
  static Vector multiply_add(Vector a, Vector b, Vector sum) { return a * b + sum; }
  static Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
  static Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
  static float sum(Vector v) { return (v[0] + v[2]) + (v[1] + v[3]); }
  /// 2^n, where `shifted` holds n in its low mantissa bits.
  static Vector power_of_two(Vector shifted) {
    const Bits bits = (reinterpret_cast<Bits>(shifted) << 23) + 0x3F800000U;
    return reinterpret_cast<Vector>(bits);
  }

  static Vector load_half(const std::uint16_t* bits) {
    return Vector{fp16_to_fp32(bits[0]), fp16_to_fp32(bits[1]), fp16_to_fp32(bits[2]), fp16_to_fp32(bits[3])};
  }
  static Vector load_bfloat(const std::uint16_t* bits) {
    return Vector{bf16_to_fp32(bits[0]), bf16_to_fp32(bits[1]), bf16_to_fp32(bits[2]), bf16_to_fp32(bits[3])};
  }
  static Vector decode_signed8(const std::int8_t* codes, float absmax) {
    const Vector values = {static_cast<float>(codes[0]), static_cast<float>(codes[1]), static_cast<float>(codes[2]),
                           static_cast<float>(codes[3])};
    return values * absmax * 0.007874015718698502F;
  }
  static Vector round_half(Vector v) {
    for (int i = 0; i < width; ++i) v[i] = round_to(ComputeType::fp16, v[i]);
    return v;
  }
  static Vector round_bfloat(Vector v) {
    for (int i = 0; i < width; ++i) v[i] = round_to(ComputeType::bf16, v[i]);
    return v;
  }

  struct Table {
    float values[16];
  };
  template <ComputeType C>
  static Table table(const float* levels, float factor) {
    Table table;
    for (int i = 0; i < 16; ++i) table.values[i] = round_to(C, levels[i] * factor);
    return table;
  }
  static void look_up(const Table& table, const std::uint8_t* codes, Vector& even, Vector& odd) {
    for (int i = 0; i < width; ++i) {
      even[i] = table.values[codes[i] >> 4];
      odd[i] = table.values[codes[i] & 15];
    }
  }

  struct DoubleSum {
    double lanes[width];
  };
  static DoubleSum double_zero() { return {}; }
  static DoubleSum add_double(DoubleSum sum, Vector v) {
    for (int i = 0; i < width; ++i) sum.lanes[i] += static_cast<double>(v[i]);
    return sum;
  }
  static double double_total(const DoubleSum& sum) {
    return (sum.lanes[0] + sum.lanes[2]) + (sum.lanes[1] + sum.lanes[3]);
  }
};

struct ScalarIntegers {
  using Element = std::int16_t;
  using Product = std::int32_t;
  using Vector = Element;
  using Sum = Product;
  static constexpr int step = 1;
  static constexpr int tile_rows = 2;
  static constexpr int tile_columns = 2;
  static Sum zero() { return 0; }
  static Vector load(const Element* values) { return *values; }
  static Sum multiply_add(Vector a, Vector b, Sum sum) { return sum + a * b; }
  static Product total(Sum sum) { return sum; }
};

constexpr SimdKernels make_kernels() {
  SimdKernels kernels;
  fill_float_kernels<ScalarLanes, ComputeType::fp32>(kernels);
  fill_float_kernels<ScalarLanes, ComputeType::fp16>(kernels);
  fill_float_kernels<ScalarLanes, ComputeType::bf16>(kernels);
  fill_attention_kernels<ScalarLanes>(kernels);
  fill_pointwise_kernels<ScalarLanes>(kernels);
  kernels.integer = integer_kernel<ScalarIntegers>();
  return kernels;
}
}  // namespace

const SimdKernels& scalar_kernels() {
  static constexpr SimdKernels kernels = make_kernels();
  return kernels;
}

}  // namespace quantscope
