// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

/// The variants of operations that only some model families use, on any device, against the reference.
namespace quantscope::testing {

inline std::unique_ptr<Weight> dense_vector(Backend& backend, const std::vector<float>& values) {
  return create_weight(backend, values, 1, std::ssize(values), dense_format(DataType::fp32));
}

inline void expect_scaled_rows(Backend& backend) {
  const auto values = random_values(3 * 20, 60);
  const auto buffer = create_filled(backend, values, 3);
  ASSERT_TRUE(backend.scale(*buffer, 2, 8.5F).has_value());
  const auto result = values_of(backend, *buffer, 3);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(result[i], i < 40 ? values[i] * 8.5F : values[i]);
  EXPECT_FALSE(backend.scale(*buffer, 4, 1.0F).has_value());
}

/// A norm whose weights are offsets from 1, before and after a linear.
inline void expect_norm_after_linear(Backend& backend) {
  constexpr std::int64_t rows = 5, columns = 96, outputs = 70;
  const auto x = random_values(rows * columns, 61);
  const auto residual_values = random_values(rows * outputs, 62);
  auto offsets = random_values(outputs, 63, 0.2F);
  const auto norm_weight = dense_vector(backend, offsets);
  const auto weight =
      create_weight(backend, random_values(outputs * columns, 64), outputs, columns, dense_format(DataType::fp16));
  Linear linear;
  linear.weight = weight.get();
  const auto input = create_filled(backend, x, rows);
  const auto residual = create_filled(backend, residual_values, rows);
  const Norm norm{norm_weight.get(), 1e-6F, 1.0F};
  ASSERT_TRUE(backend.linear_norm_add(*input, rows, linear, norm, *residual, nullptr).has_value());

  for (float& offset : offsets) offset += 1.0F;
  const auto products = reference::linear(x, rows, *backend.download(*weight), ComputeType::fp32);
  std::vector<double> expected;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::vector<float> product(products.begin() + static_cast<std::ptrdiff_t>(row * outputs),
                                     products.begin() + static_cast<std::ptrdiff_t>((row + 1) * outputs));
    const auto normalized = reference::rms_norm(product, offsets, 1e-6F);
    for (std::size_t i = 0; i < outputs; ++i) expected.push_back(normalized[i] + residual_values[row * outputs + i]);
  }
  expect_near(values_of(backend, *residual, rows), expected, 2e-5, "normalized products");
  EXPECT_FALSE(backend.linear_norm_add(*input, rows, linear, norm, *input, nullptr).has_value());
}

inline void expect_gelu_gate(Backend& backend) {
  constexpr std::int64_t rows = 3, columns = 64, outputs = 130;
  const auto norm_values = random_values(columns, 65);
  const auto norm_weight = dense_vector(backend, norm_values);
  const auto gate = create_weight(backend, random_values(outputs * columns, 66, 0.4F), outputs, columns,
                                  dense_format(DataType::fp32));
  const auto up = create_weight(backend, random_values(outputs * columns, 67, 0.1F), outputs, columns,
                                dense_format(DataType::fp32));
  Linear gate_linear, up_linear;
  gate_linear.weight = gate.get();
  up_linear.weight = up.get();
  const auto x = random_values(rows * columns, 68);
  const auto input = create_filled(backend, x, rows);
  const auto output = create_filled(backend, std::vector<float>(rows * outputs), rows);
  ASSERT_TRUE(backend
                  .norm_gate_up(*input, rows, {norm_weight.get(), 1e-5F}, gate_linear, up_linear,
                                GateActivation::gelu_tanh, *output, nullptr)
                  .has_value());
  std::vector<float> normalized;
  for (std::int64_t m = 0; m < rows; ++m)
    for (const double value : reference::rms_norm({x.data() + m * columns, columns}, norm_values, 1e-5F))
      normalized.push_back(static_cast<float>(value));
  const auto gates = reference::linear(normalized, rows, *backend.download(*gate), ComputeType::fp32);
  const auto ups = reference::linear(normalized, rows, *backend.download(*up), ComputeType::fp32);
  std::vector<double> expected(gates.size());
  for (std::size_t i = 0; i < gates.size(); ++i) expected[i] = reference::gelu_tanh_gate(gates[i], ups[i]);
  expect_near(values_of(backend, *output, rows), expected, 1e-4, "gelu(gate) * up");
}

/// Queries and keys normalized head by head, then rotated unless `rotary` is false.
inline void expect_head_norms(Backend& backend, bool rotary) {
  constexpr std::size_t head_dim = 8;
  const std::vector<float> frequencies = {1.0F, 0.1F, 0.01F, 0.001F};
  const std::span<const float> used = rotary ? std::span<const float>(frequencies) : std::span<const float>();
  const auto query_values = random_values(head_dim, 70), key_values = random_values(head_dim, 71);
  const auto query_weight = dense_vector(backend, query_values), key_weight = dense_vector(backend, key_values);
  AttentionShape shape{0, 2, 1, head_dim, 1.0F};
  shape.query_norm = {query_weight.get(), 1e-6F};
  shape.key_norm = {key_weight.get(), 1e-6F};
  auto kv = backend.create_kv({1, 1, head_dim, 4, 2, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  const auto q_values = random_values(2 * 16, 72), k_values = random_values(2 * 8, 73),
             v_values = random_values(2 * 8, 74);
  const auto q = create_filled(backend, q_values, 2), k = create_filled(backend, k_values, 2);
  const auto v = create_filled(backend, v_values, 2), out = create_filled(backend, std::vector<float>(32), 2);
  const std::int32_t pages[] = {1, 0};
  const SequenceRows sequence{pages, 3, 0, 2};  // the second row begins a page
  const auto prepared = [&](const std::vector<float>& values, std::size_t head, const std::vector<float>& weights,
                            std::int64_t position) {
    const auto normalized = reference::rms_norm({values.data() + head * head_dim, head_dim}, weights, 1e-6F);
    return reference::rope(std::vector<float>(normalized.begin(), normalized.end()), position, used);
  };
  ASSERT_TRUE(backend.rope_append(*q, *k, *v, shape, used, {&sequence, 1}, **kv).has_value());
  std::vector<double> queries;
  std::vector<float> keys;
  for (std::size_t i = 0; i < 4; ++i)
    for (const double value : prepared(q_values, i, query_values, 3 + static_cast<std::int64_t>(i / 2)))
      queries.push_back(value);
  for (std::size_t row = 0; row < 2; ++row)
    for (const double value : prepared(k_values, row, key_values, 3 + static_cast<std::int64_t>(row)))
      keys.push_back(static_cast<float>(value));
  expect_near(values_of(backend, *q, 2), queries, 2e-6, "queries");
  EXPECT_EQ(values_of(backend, *k, 2), k_values) << "keys are changed on their way into the cache only";

  AttentionShape last_two = shape;
  last_two.window = 2;
  const SequenceRows second_row{pages, 4, 1, 1};
  ASSERT_TRUE(backend.attention(*q, last_two, {&second_row, 1}, **kv, *out).has_value());
  const std::vector<float> query(queries.begin() + 16, queries.begin() + 24);
  const auto expected = reference::attend(query, keys, v_values, 1.0F, 0.0F);
  const auto result = values_of(backend, *out, 2);
  expect_near({result.begin() + 16, result.begin() + 24}, expected, 1e-5, "attention over the keys");

  const auto short_weight = dense_vector(backend, random_values(4, 75));
  shape.key_norm.weight = short_weight.get();
  EXPECT_FALSE(backend.rope_append(*q, *k, *v, shape, used, {&sequence, 1}, **kv).has_value());
}

inline void expect_capped_logits(Backend& backend) {
  constexpr std::int64_t columns = 32, vocabulary = 300;
  constexpr float cap = 3.0F;
  const auto norm_values = std::vector<float>(columns, 1.0F);
  const auto norm_weight = dense_vector(backend, norm_values);
  const auto weight = create_weight(backend, random_values(vocabulary * columns, 76), vocabulary, columns,
                                    dense_format(DataType::fp32));
  const auto x = random_values(columns, 77);
  const auto hidden = create_filled(backend, x, 1);
  Linear head;
  head.weight = weight.get();
  head.soft_cap = cap;
  const Norm norm{norm_weight.get(), 1e-6F};
  const std::int32_t row = 0, target = 120;
  std::vector<float> logits(vocabulary);
  TopToken top;
  double log_probability = 0;
  ASSERT_TRUE(backend.head_logits(*hidden, {&row, 1}, norm, head, logits).has_value());
  ASSERT_TRUE(backend.head_top(*hidden, {&row, 1}, norm, head, {&top, 1}).has_value());
  ASSERT_TRUE(
      backend.head_log_probabilities(*hidden, {&row, 1}, norm, head, {&target, 1}, {&log_probability, 1}).has_value());
  const auto normalized = reference::rms_norm(x, norm_values, 1e-6F);
  auto expected = reference::linear(std::vector<float>(normalized.begin(), normalized.end()), 1,
                                    *backend.download(*weight), ComputeType::fp32);
  for (double& logit : expected) logit = reference::soft_capped(logit, static_cast<double>(cap));
  expect_near(logits, expected, 1e-5, "capped logits");
  EXPECT_EQ(top.id, reference::top_token(expected).id);
  EXPECT_NEAR(top.logit, reference::top_token(expected).logit, 1e-5);
  EXPECT_NEAR(log_probability, reference::log_probability(expected, target), 1e-5);
}

}  // namespace quantscope::testing
