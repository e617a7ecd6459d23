// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

/// What linears do on every device.
namespace quantscope::testing {

inline constexpr float weight_scale = 0.05F;

struct NamedFormat {
  std::string name;
  WeightFormat format;
};

/// Formats that every device multiplies with.
inline std::vector<NamedFormat> formats() {
  return {{"fp32", dense_format(DataType::fp32)},
          {"fp16", dense_format(DataType::fp16)},
          {"bf16", dense_format(DataType::bf16)},
          {"int8", int8_row_format()},
          {"nf4/32", block_format(DataType::nf4, 32, false)},
          {"nf4/64", block_format(DataType::nf4, 64, false)},
          {"nf4/128", block_format(DataType::nf4, 128, false)},
          {"nf4/4096", block_format(DataType::nf4, 4096, false)},
          {"nf4/64 double", block_format(DataType::nf4, 64, true)},
          {"fp4/64", block_format(DataType::fp4, 64, false)},
          {"int4/64", block_format(DataType::int4, 64, false)},
          {"int4/256 double", block_format(DataType::int4, 256, true)}};
}

inline constexpr ComputeType compute_types[] = {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16};

/// Room for the rounding of fp32 sums: a wrong product would be off by about weight_scale.
inline double tolerance(std::int64_t columns) { return 1e-6 + 3e-6 * weight_scale * static_cast<double>(columns); }

inline Linear linear_of(const Weight& weight, ComputeType compute = ComputeType::fp32) {
  Linear linear;
  linear.weight = &weight;
  linear.compute = compute;
  return linear;
}

/// Products of every format and compute type.
inline void expect_products_of_the_reference(Backend& backend, std::int64_t rows, std::int64_t outputs,
                                             std::int64_t columns) {
  const auto values = random_values(outputs * columns, 1, weight_scale);
  const auto x = random_values(rows * columns, 2);
  for (const NamedFormat& format : formats()) {
    const auto weight = create_weight(backend, values, outputs, columns, format.format);
    const auto copy = backend.download(*weight);
    ASSERT_TRUE(copy.has_value());
    for (const ComputeType compute : compute_types) {
      const std::string what =
          format.name + ", K " + std::to_string(columns) + ", compute " + std::to_string(static_cast<int>(compute));
      expect_near(multiply(backend, linear_of(*weight, compute), x, rows), reference::linear(x, rows, *copy, compute),
                  tolerance(columns), what);
    }
  }
}

/// A bias is added to the product, the sum to what is in the output; a bias of the wrong size is refused.
inline void expect_bias_and_residual(Backend& backend) {
  const auto weight = create_weight(backend, random_values(70 * 64, 7), 70, 64, dense_format(DataType::fp32));
  const auto bias_values = random_values(70, 8);
  const auto bias = create_weight(backend, bias_values, 1, 70, dense_format(DataType::fp32));
  const auto x = random_values(3 * 64, 9);
  const auto residual = random_values(3 * 70, 10);
  Linear linear = linear_of(*weight);
  const auto without = multiply(backend, linear, x, 3);
  linear.bias = bias.get();
  const auto input = create_filled(backend, x, 3);
  const auto output = create_filled(backend, residual, 3);
  ASSERT_TRUE(backend.linear_add(*input, 3, linear, *output, nullptr).has_value());
  const auto with = values_of(backend, *output, 3);
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i], residual[i] + (without[i] + bias_values[i % 70]));
  linear.bias = weight.get();
  EXPECT_FALSE(backend.linear_add(*input, 3, linear, *output, nullptr).has_value());
}

/// silu(gate) * up of normalized rows; the tap sees what both linears see.
inline void expect_norm_and_gate_of_the_reference(Backend& backend, std::int64_t outputs) {
  constexpr std::int64_t columns = 96;
  constexpr std::int64_t rows = 4;
  const auto x = random_values(rows * columns, 10);
  const auto norm_values = random_values(columns, 11);
  const auto norm_weight = create_weight(backend, norm_values, 1, columns, dense_format(DataType::fp32));
  const auto gate = create_weight(backend, random_values(outputs * columns, 12, 0.1F), outputs, columns,
                                  dense_format(DataType::fp16));
  const auto up = create_weight(backend, random_values(outputs * columns, 13, 0.1F), outputs, columns,
                                block_format(DataType::nf4, 32, false));
  const auto input = create_filled(backend, x, rows);
  const auto output = create_filled(backend, std::vector<float>(static_cast<std::size_t>(rows * outputs)), rows);
  std::vector<const Weight*> tapped;
  std::vector<float> seen;
  const Tap tap = [&](const Linear& linear, std::span<const float> values, std::int64_t tap_rows) {
    tapped.push_back(linear.weight);
    seen.assign(values.begin(), values.end());
    EXPECT_EQ(tap_rows, rows);
  };
  const Norm norm{norm_weight.get(), 1e-5F};
  ASSERT_TRUE(
      backend.norm_gate_up(*input, rows, norm, linear_of(*gate), linear_of(*up), GateActivation::silu, *output, &tap)
          .has_value());
  EXPECT_EQ(tapped, (std::vector<const Weight*>{gate.get(), up.get()}));

  std::vector<float> normalized;
  for (std::int64_t m = 0; m < rows; ++m) {
    const auto row = reference::rms_norm({x.data() + m * columns, columns}, norm_values, 1e-5F);
    for (const double value : row) normalized.push_back(static_cast<float>(value));
  }
  expect_near(seen, {normalized.begin(), normalized.end()}, 1e-5, "input of the linears");
  const auto gates = reference::linear(normalized, rows, *backend.download(*gate), ComputeType::fp32);
  const auto ups = reference::linear(normalized, rows, *backend.download(*up), ComputeType::fp32);
  std::vector<double> expected(gates.size());
  for (std::size_t i = 0; i < gates.size(); ++i) expected[i] = reference::silu_gate(gates[i], ups[i]);
  expect_near(values_of(backend, *output, rows), expected, 2e-5, "silu(gate) * up");
}

}  // namespace quantscope::testing
