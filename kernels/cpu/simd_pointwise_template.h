// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd_kernels.h"

/// Exponentials and what is made of them, over a vector type `L`. Internal linkage, see simd_linear_template.h.
namespace quantscope {
namespace {

/// exp(x) to 2 units in the last place for -87.3 <= x <= 88.3, clamped outside. Argument reduction and polynomial of
/// the Cephes library (expf).
template <class L>
typename L::Vector exponential(typename L::Vector x) {
  using V = typename L::Vector;
  // A NaN is the second operand, which minimum and maximum hand on.
  x = L::minimum(L::broadcast(88.3F), L::maximum(L::broadcast(-87.3F), x));
  const V magic = L::broadcast(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const V shifted = L::multiply_add(x, L::broadcast(1.44269504088896341F), magic);
  const V n = L::subtract(shifted, magic);
  V r = L::multiply_add(n, L::broadcast(-0.693359375F), x);
  r = L::multiply_add(n, L::broadcast(2.12194440e-4F), r);
  V p = L::broadcast(1.9875691500e-4F);
  p = L::multiply_add(p, r, L::broadcast(1.3981999507e-3F));
  p = L::multiply_add(p, r, L::broadcast(8.3334519073e-3F));
  p = L::multiply_add(p, r, L::broadcast(4.1665795894e-2F));
  p = L::multiply_add(p, r, L::broadcast(1.6666665459e-1F));
  p = L::multiply_add(p, r, L::broadcast(5.0000001201e-1F));
  p = L::multiply_add(p, L::multiply(r, r), L::add(r, L::broadcast(1.0F)));
  return L::multiply(p, L::power_of_two(shifted));
}

/// Calls body(offset, count) for whole vectors and one shorter rest.
template <class L, class Body>
void for_vectors(std::int64_t count, const Body& body) {
  std::int64_t i = 0;
  for (; i + L::width <= count; i += L::width) body(i, L::width);
  if (i < count) body(i, static_cast<int>(count - i));
}

template <class L>
typename L::Vector load_some(const float* values, int count, float rest) {
  if (count == L::width) return L::load(values);
  float padded[L::width];
  for (int i = 0; i < L::width; ++i) padded[i] = i < count ? values[i] : rest;
  return L::load(padded);
}

template <class L>
void store_some(float* values, int count, typename L::Vector vector) {
  if (count == L::width) return L::store(values, vector);
  float padded[L::width];
  L::store(padded, vector);
  std::memcpy(values, padded, static_cast<std::size_t>(count) * sizeof(float));
}

template <class L>
typename L::Vector keep_some(typename L::Vector vector, int count) {
  if (count == L::width) return vector;
  float padded[L::width];
  L::store(padded, vector);
  return load_some<L>(padded, count, 0.0F);
}

template <class L>
float exponentials(float* values, std::int64_t count, float maximum) {
  typename L::Vector sum = L::broadcast(0.0F);
  for_vectors<L>(count, [&](std::int64_t i, int n) {
    const auto x = L::subtract(load_some<L>(values + i, n, maximum), L::broadcast(maximum));
    const auto e = keep_some<L>(exponential<L>(x), n);
    store_some<L>(values + i, n, e);
    sum = L::add(sum, e);
  });
  return L::sum(sum);
}

template <class L>
double sum_exponentials(const float* values, std::int64_t count, float maximum) {
  typename L::DoubleSum sum = L::double_zero();
  for_vectors<L>(count, [&](std::int64_t i, int n) {
    const auto x = L::subtract(load_some<L>(values + i, n, maximum), L::broadcast(maximum));
    sum = L::add_double(sum, keep_some<L>(exponential<L>(x), n));
  });
  return L::double_total(sum);
}

template <class L>
DivergenceSums divergence_sums(const float* base, const float* other, std::int64_t count, float maximum) {
  typename L::DoubleSum sum = L::double_zero();
  typename L::DoubleSum weighted = L::double_zero();
  for_vectors<L>(count, [&](std::int64_t i, int n) {
    const auto b = load_some<L>(base + i, n, maximum);
    const auto e = keep_some<L>(exponential<L>(L::subtract(b, L::broadcast(maximum))), n);
    sum = L::add_double(sum, e);
    weighted = L::add_double(weighted, L::multiply(e, L::subtract(b, load_some<L>(other + i, n, maximum))));
  });
  return {L::double_total(sum), L::double_total(weighted)};
}

template <class L>
float maximum_of(const float* values, std::int64_t count) {
  typename L::Vector largest = L::broadcast(values[0]);
  for_vectors<L>(count,
                 [&](std::int64_t i, int n) { largest = L::maximum(load_some<L>(values + i, n, values[0]), largest); });
  float lanes[L::width];
  L::store(lanes, largest);
  float result = lanes[0];
  for (int i = 1; i < L::width; ++i) result = lanes[i] > result ? lanes[i] : result;
  return result;
}

/// What both activations divide by is 1 + exp(-argument), see activate().
template <class L, GateActivation activation>
typename L::Vector gate_argument(typename L::Vector gate) {
  if constexpr (activation == GateActivation::silu) {
    return gate;
  } else {
    const auto square = L::multiply(gate, gate);
    const auto factor =
        L::multiply_add(square, L::broadcast(gelu_argument_scale * gelu_cubic), L::broadcast(gelu_argument_scale));
    return L::multiply(gate, factor);
  }
}

template <class L, GateActivation activation>
void gate_multiply(const float* gate, const float* up, std::int64_t count, float* output) {
  const typename L::Vector one = L::broadcast(1.0F);
  for_vectors<L>(count, [&](std::int64_t i, int n) {
    const auto g = load_some<L>(gate + i, n, 0.0F);
    const auto e = exponential<L>(L::subtract(L::broadcast(0.0F), gate_argument<L, activation>(g)));
    const auto activated = L::divide(g, L::add(one, e));
    store_some<L>(output + i, n, L::multiply(activated, load_some<L>(up + i, n, 0.0F)));
  });
}

template <class L>
constexpr void fill_pointwise_kernels(SimdKernels& kernels) {
  kernels.exponentials = exponentials<L>;
  kernels.sum_exponentials = sum_exponentials<L>;
  kernels.divergence_sums = divergence_sums<L>;
  kernels.maximum = maximum_of<L>;
  kernels.gate_multiply[static_cast<int>(GateActivation::silu)] = gate_multiply<L, GateActivation::silu>;
  kernels.gate_multiply[static_cast<int>(GateActivation::gelu_tanh)] = gate_multiply<L, GateActivation::gelu_tanh>;
}

}  // namespace
}  // namespace quantscope
