// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/formats/half.h"

namespace cuda_on_host {

/// The nearest float towards zero, with the last bit set when it is not exact: rounded once more, to a shorter type,
/// this gives what rounding the double once would give.
inline float round_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || !std::isfinite(nearest)) return nearest;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(nearest);
  const bool away = std::fabs(static_cast<double>(nearest)) > std::fabs(value);
  return std::bit_cast<float>((away ? bits - 1 : bits) | 1U);
}

/// A 16-bit type. Each operation is rounded once, as on the device.
template <float (*decode)(std::uint16_t), std::uint16_t (*encode)(float)>
struct Float16 {
  std::uint16_t bits;

  Float16() = default;
  constexpr Float16(float value) : bits(encode(value)) {}
  constexpr operator float() const { return decode(bits); }
  static constexpr Float16 from_bits(std::uint16_t bits) {
    Float16 value{};
    value.bits = bits;
    return value;
  }

  // float has more than twice the bits of either type, so that rounding twice gives what rounding once gives.
  friend constexpr Float16 operator+(Float16 a, Float16 b) { return static_cast<float>(a) + static_cast<float>(b); }
  friend constexpr Float16 operator-(Float16 a, Float16 b) { return static_cast<float>(a) - static_cast<float>(b); }
  friend constexpr Float16 operator*(Float16 a, Float16 b) { return static_cast<float>(a) * static_cast<float>(b); }
  friend constexpr Float16 operator/(Float16 a, Float16 b) { return static_cast<float>(a) / static_cast<float>(b); }
  friend constexpr Float16 operator-(Float16 a) { return from_bits(a.bits ^ 0x8000U); }
  constexpr Float16& operator+=(Float16 other) { return *this = *this + other; }
  constexpr Float16& operator-=(Float16 other) { return *this = *this - other; }
  constexpr Float16& operator*=(Float16 other) { return *this = *this * other; }
};

/// a b + c rounded once: the product is exact in double, and the sum is after rounding to odd.
template <class T>
T fused_multiply_add(T a, T b, T c) {
  const double product = static_cast<double>(static_cast<float>(a)) * static_cast<double>(static_cast<float>(b));
  return round_to_odd(product + static_cast<double>(static_cast<float>(c)));
}

template <class T>
struct alignas(4) Pair {
  T x, y;
};

}  // namespace cuda_on_host
