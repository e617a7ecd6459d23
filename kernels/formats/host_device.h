// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/// Marks the functions that define a number format, so that the CPU and CUDA compile the same text. Tables that a
/// device function indexes are copied into it as local constants, because device code may not refer to host arrays.
#ifdef __CUDACC__
#define QUANTSCOPE_HOST_DEVICE __host__ __device__
#else
#define QUANTSCOPE_HOST_DEVICE
#endif

namespace quantscope {

/// An array that a function can hold by value.
template <class T, int size>
struct LocalTable {
  T values[size];
};

/// A compile-time copy of a table for use inside a device function.
template <class T, int size>
QUANTSCOPE_HOST_DEVICE constexpr LocalTable<T, size> local_table(const T (&table)[size]) {
  LocalTable<T, size> copy{};
  for (int i = 0; i < size; ++i) copy.values[i] = table[i];
  return copy;
}

/// The 32 bits of a float.
QUANTSCOPE_HOST_DEVICE constexpr std::uint32_t float_bits(float value) {
  return __builtin_bit_cast(std::uint32_t, value);
}

/// The float with these 32 bits.
QUANTSCOPE_HOST_DEVICE constexpr float float_from_bits(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }

/// a * b + c with two roundings, whatever the compiler may contract elsewhere.
QUANTSCOPE_HOST_DEVICE constexpr float multiply_then_add(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return __fadd_rn(__fmul_rn(a, b), c);
#else
  return a * b + c;
#endif
}

/// The nearest integer, ties to even. Precondition: |value| < 2^22 or NaN, which stays NaN.
QUANTSCOPE_HOST_DEVICE constexpr float round_half_even(float value) {
  constexpr float first_without_fractions = 0x1.8p23F;
#ifdef __CUDA_ARCH__
  return __fsub_rn(__fadd_rn(value, first_without_fractions), first_without_fractions);
#else
  return (value + first_without_fractions) - first_without_fractions;
#endif
}

}  // namespace quantscope
