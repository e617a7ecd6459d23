// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstring>

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

namespace quantscope::testing {
namespace {
constexpr float weight_scale = 0.05F;

struct NamedFormat {
  std::string name;
  WeightFormat format;
};

std::vector<NamedFormat> formats() {
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

constexpr ComputeType compute_types[] = {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16};

/// Room for the rounding of fp32 sums: a wrong product would be off by about weight_scale.
double tolerance(std::int64_t columns) { return 1e-6 + 3e-6 * weight_scale * static_cast<double>(columns); }

class LinearLevels : public ::testing::TestWithParam<std::string> {};

TEST_P(LinearLevels, AgreeWithTheReferenceForEveryFormatAndOddShapes) {
  const auto backend = create_cpu(GetParam(), 2);
  constexpr std::int64_t outputs = 50;
  constexpr std::int64_t rows = 5;
  for (const std::int64_t columns : {1, 31, 64, 96, 576, 1536}) {
    const auto values = random_values(outputs * columns, 1, weight_scale);
    const auto x = random_values(rows * columns, 2);
    for (const NamedFormat& format : formats()) {
      const auto weight = create_weight(*backend, values, outputs, columns, format.format);
      const auto copy = backend->download(*weight);
      ASSERT_TRUE(copy.has_value());
      for (const ComputeType compute : compute_types) {
        Linear linear;
        linear.weight = weight.get();
        linear.compute = compute;
        const std::string what =
            format.name + ", K " + std::to_string(columns) + ", compute " + std::to_string(static_cast<int>(compute));
        expect_near(multiply(*backend, linear, x, rows), reference::linear(x, rows, *copy, compute), tolerance(columns),
                    what);
      }
    }
  }
}

TEST_P(LinearLevels, GiveTheSameBitsForAnyThreadsAndBatching) {
  constexpr std::int64_t outputs = 150;
  constexpr std::int64_t rows = 17;
  const auto single = create_cpu(GetParam(), 1);
  for (const std::int64_t columns : {96, 576}) {
    const auto values = random_values(outputs * columns, 3, weight_scale);
    const auto x = random_values(rows * columns, 4);
    for (const NamedFormat& format : formats()) {
      for (const ComputeType compute : compute_types) {
        const auto run = [&](Backend& backend, std::int64_t first, std::int64_t count) {
          const auto weight = create_weight(backend, values, outputs, columns, format.format);
          Linear linear;
          linear.weight = weight.get();
          linear.compute = compute;
          return multiply(backend, linear, {x.begin() + first * columns, x.begin() + (first + count) * columns}, count);
        };
        const std::vector<float> whole = run(*single, 0, rows);
        const auto expect_part = [&](const std::vector<float>& part, std::int64_t first) {
          EXPECT_EQ(std::memcmp(part.data(), whole.data() + first * outputs, part.size() * sizeof(float)), 0)
              << format.name << ", K " << columns << ", rows from " << first;
        };
        expect_part(run(*single, 3, 1), 3);
        expect_part(run(*single, 0, 6), 0);
        expect_part(run(*single, 6, 11), 6);
      }
    }
  }
}

TEST_P(LinearLevels, GiveTheSameBitsForAnyNumberOfThreads) {
  constexpr std::int64_t outputs = 500;
  constexpr std::int64_t columns = 576;
  constexpr std::int64_t rows = 9;
  const auto values = random_values(outputs * columns, 5, weight_scale);
  const auto x = random_values(rows * columns, 6);
  for (const std::int64_t count : {std::int64_t{1}, rows}) {
    std::vector<float> first;
    for (const int threads : {1, 2, 3, 5}) {
      const auto backend = create_cpu(GetParam(), threads);
      const auto weight = create_weight(*backend, values, outputs, columns, block_format(DataType::nf4, 64, true));
      Linear linear;
      linear.weight = weight.get();
      linear.compute = ComputeType::bf16;
      const auto result = multiply(*backend, linear, {x.begin(), x.begin() + count * columns}, count);
      if (first.empty()) first = result;
      EXPECT_EQ(first, result) << threads << " threads";
    }
  }
}

TEST_P(LinearLevels, AddTheBias) {
  const auto backend = create_cpu(GetParam());
  const auto weight = create_weight(*backend, random_values(70 * 64, 7), 70, 64, dense_format(DataType::fp32));
  const auto bias_values = random_values(70, 8);
  const auto bias = create_weight(*backend, bias_values, 1, 70, dense_format(DataType::fp32));
  const auto x = random_values(3 * 64, 9);
  Linear linear;
  linear.weight = weight.get();
  const auto without = multiply(*backend, linear, x, 3);
  linear.bias = bias.get();
  const auto with = multiply(*backend, linear, x, 3);
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i], without[i] + bias_values[i % 70]);
}

TEST_P(LinearLevels, NormAndGateAgreeWithTheReference) {
  const auto backend = create_cpu(GetParam(), 2);
  constexpr std::int64_t columns = 96;
  constexpr std::int64_t outputs = 130;
  constexpr std::int64_t rows = 4;
  const auto x = random_values(rows * columns, 10);
  const auto norm_values = random_values(columns, 11);
  const auto norm_weight = create_weight(*backend, norm_values, 1, columns, dense_format(DataType::fp32));
  const auto gate = create_weight(*backend, random_values(outputs * columns, 12, 0.1F), outputs, columns,
                                  dense_format(DataType::fp16));
  const auto up = create_weight(*backend, random_values(outputs * columns, 13, 0.1F), outputs, columns,
                                block_format(DataType::nf4, 32, false));
  const Norm norm{norm_weight.get(), 1e-5F};
  Linear gate_linear;
  gate_linear.weight = gate.get();
  Linear up_linear;
  up_linear.weight = up.get();
  const auto input = create_filled(*backend, x, rows);
  const auto output = create_filled(*backend, std::vector<float>(rows * outputs), rows);
  std::vector<const Weight*> tapped;
  std::vector<float> seen;
  const Tap tap = [&](const Linear& linear, std::span<const float> values, std::int64_t tap_rows) {
    tapped.push_back(linear.weight);
    seen.assign(values.begin(), values.end());
    EXPECT_EQ(tap_rows, rows);
  };
  ASSERT_TRUE(backend->norm_gate_up(*input, rows, norm, gate_linear, up_linear, GateActivation::silu, *output, &tap)
                  .has_value());
  EXPECT_EQ(tapped, (std::vector<const Weight*>{gate.get(), up.get()}));

  std::vector<float> normalized;
  for (std::int64_t m = 0; m < rows; ++m) {
    const auto row = reference::rms_norm({x.data() + m * columns, columns}, norm_values, 1e-5F);
    for (const double value : row) normalized.push_back(static_cast<float>(value));
  }
  expect_near(seen, {normalized.begin(), normalized.end()}, 1e-5, "input of the linears");
  const auto gates = reference::linear(normalized, rows, *backend->download(*gate), ComputeType::fp32);
  const auto ups = reference::linear(normalized, rows, *backend->download(*up), ComputeType::fp32);
  std::vector<double> expected(gates.size());
  for (std::size_t i = 0; i < gates.size(); ++i) expected[i] = reference::silu_gate(gates[i], ups[i]);
  expect_near(values_of(*backend, *output, rows), expected, 2e-5, "silu(gate) * up");
}

TEST_P(LinearLevels, SeveralLinearsShareOneNorm) {
  const auto backend = create_cpu(GetParam(), 3);
  constexpr std::int64_t columns = 128;
  const auto norm_weight =
      create_weight(*backend, std::vector<float>(columns, 1.0F), 1, columns, dense_format(DataType::bf16));
  const auto a = create_weight(*backend, random_values(60 * columns, 14), 60, columns, int8_row_format());
  const auto b =
      create_weight(*backend, random_values(20 * columns, 15), 20, columns, block_format(DataType::int4, 64, false));
  const auto input = create_filled(*backend, random_values(2 * columns, 16), 2);
  const auto out_a = create_filled(*backend, std::vector<float>(120), 2);
  const auto out_b = create_filled(*backend, std::vector<float>(40), 2);
  LinearOutput outputs[2];
  outputs[0].linear.weight = a.get();
  outputs[0].output = out_a.get();
  outputs[1].linear.weight = b.get();
  outputs[1].output = out_b.get();
  std::vector<float> normalized;
  const Tap tap = [&](const Linear&, std::span<const float> values, std::int64_t) {
    normalized.assign(values.begin(), values.end());
  };
  ASSERT_TRUE(backend->norm_linears(*input, 2, {norm_weight.get(), 1e-6F}, outputs, &tap).has_value());
  EXPECT_EQ(values_of(*backend, *out_a, 2), multiply(*backend, outputs[0].linear, normalized, 2));
  EXPECT_EQ(values_of(*backend, *out_b, 2), multiply(*backend, outputs[1].linear, normalized, 2));
}

INSTANTIATE_TEST_SUITE_P(Cpu, LinearLevels, ::testing::ValuesIn(levels()));

}  // namespace
}  // namespace quantscope::testing
