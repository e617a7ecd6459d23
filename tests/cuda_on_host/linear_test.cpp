// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "kernels/cpu/reference/operations.h"
#include "tests/cuda_on_host/gpu_test.h"

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
          {"nf4/64 double", block_format(DataType::nf4, 64, true)},
          {"nf4/4096", block_format(DataType::nf4, 4096, false)},
          {"fp4/64", block_format(DataType::fp4, 64, false)},
          {"int4/64", block_format(DataType::int4, 64, false)},
          {"int4/256 double", block_format(DataType::int4, 256, true)}};
}

/// Room for the rounding of fp32 sums: a wrong product would be off by about weight_scale.
double tolerance(std::int64_t columns) { return 1e-6 + 3e-6 * weight_scale * static_cast<double>(columns); }

/// Activations of which some columns have outliers, one of them only in one row.
std::vector<float> with_outliers(std::int64_t rows, std::int64_t columns, unsigned seed) {
  auto x = random_values(rows * columns, seed);
  for (std::int64_t m = 0; m < rows; ++m) x[static_cast<std::size_t>(m * columns + columns / 2)] = 9.5F;
  x[0] = -30.0F;
  return x;
}

class CudaLinear : public GpuTest {};

TEST_F(CudaLinear, AgreesWithTheReferenceForEveryFormatAndOddShapes) {
  const auto backend = create_gpu();
  constexpr std::int64_t outputs = 37;
  constexpr std::int64_t rows = 11;  // one full group of rows and a rest
  for (const std::int64_t columns : {1, 31, 64, 97}) {
    const auto values = random_values(outputs * columns, 1, weight_scale);
    const auto x = random_values(rows * columns, 2);
    for (const NamedFormat& format : formats()) {
      const auto weight = create_weight(*backend, values, outputs, columns, format.format);
      const auto copy = backend->download(*weight);
      ASSERT_TRUE(copy.has_value());
      for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
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

TEST_F(CudaLinear, ManyRowsAgreeWithTheReference) {
  const auto backend = create_gpu();
  constexpr std::int64_t outputs = 40;
  constexpr std::int64_t columns = 128;
  const auto values = random_values(outputs * columns, 1, weight_scale);
  for (const std::int64_t rows : {40, 70}) {  // two groups of rows, and more than are decoded in registers
    const auto x = random_values(rows * columns, 2);
    for (const NamedFormat& format : formats()) {
      const auto weight = create_weight(*backend, values, outputs, columns, format.format);
      const auto copy = backend->download(*weight);
      ASSERT_TRUE(copy.has_value());
      for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
        Linear linear;
        linear.weight = weight.get();
        linear.compute = compute;
        const std::string what = format.name + ", compute " + std::to_string(static_cast<int>(compute));
        expect_near(multiply(*backend, linear, x, rows), reference::linear(x, rows, *copy, compute), tolerance(columns),
                    what);
      }
    }
  }
}

TEST_F(CudaLinear, DoesNotDependOnBatching) {
  const auto backend = create_gpu();
  constexpr std::int64_t columns = 96;
  constexpr std::int64_t outputs = 130;
  const auto x = random_values(17 * columns, 4);
  const auto values = random_values(outputs * columns, 3, weight_scale);
  const auto weight = create_weight(*backend, values, outputs, columns, block_format(DataType::nf4, 64, true));
  Linear linear;
  linear.weight = weight.get();
  linear.compute = ComputeType::bf16;
  const auto whole = multiply(*backend, linear, x, 17);
  for (const auto& [first, count] : {std::pair{3, 1}, std::pair{0, 6}, std::pair{6, 11}}) {
    const auto part =
        multiply(*backend, linear, {x.begin() + first * columns, x.begin() + (first + count) * columns}, count);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first * outputs)) << "rows from " << first;
  }
}

TEST_F(CudaLinear, AddsTheBiasAndKeepsTheResidual) {
  const auto backend = create_gpu();
  const auto weight = create_weight(*backend, random_values(70 * 64, 7), 70, 64, dense_format(DataType::fp32));
  const auto bias_values = random_values(70, 8);
  const auto bias = create_weight(*backend, bias_values, 1, 70, dense_format(DataType::fp32));
  const auto x = random_values(3 * 64, 9);
  const auto residual = random_values(3 * 70, 10);
  Linear linear;
  linear.weight = weight.get();
  const auto without = multiply(*backend, linear, x, 3);
  linear.bias = bias.get();
  const auto input = create_filled(*backend, x, 3);
  const auto output = create_filled(*backend, residual, 3);
  ASSERT_TRUE(backend->linear_add(*input, 3, linear, *output, nullptr).has_value());
  const auto with = values_of(*backend, *output, 3);
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i], residual[i] + (without[i] + bias_values[i % 70]));
  linear.bias = weight.get();
  EXPECT_FALSE(backend->linear_add(*input, 3, linear, *output, nullptr).has_value());
}

TEST_F(CudaLinear, NormAndGateAgreeWithTheReference) {
  const auto backend = create_gpu();
  constexpr std::int64_t columns = 96;
  constexpr std::int64_t outputs = 70;
  constexpr std::int64_t rows = 4;
  const auto x = random_values(rows * columns, 10);
  const auto norm_values = random_values(columns, 11);
  const auto norm_weight = create_weight(*backend, norm_values, 1, columns, dense_format(DataType::fp32));
  const auto gate = create_weight(*backend, random_values(outputs * columns, 12, 0.1F), outputs, columns,
                                  dense_format(DataType::fp16));
  const auto up = create_weight(*backend, random_values(outputs * columns, 13, 0.1F), outputs, columns,
                                block_format(DataType::nf4, 32, false));
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
  const Norm norm{norm_weight.get(), 1e-5F};
  ASSERT_TRUE(backend->norm_gate_up(*input, rows, norm, gate_linear, up_linear, GateActivation::silu, *output, &tap)
                  .has_value());
  EXPECT_EQ(tapped, (std::vector<const Weight*>{gate.get(), up.get()}));

  std::vector<double> normalized;
  for (std::int64_t m = 0; m < rows; ++m) {
    const auto row = reference::rms_norm({x.data() + m * columns, columns}, norm_values, 1e-5F);
    normalized.insert(normalized.end(), row.begin(), row.end());
  }
  expect_near(seen, normalized, 1e-5, "input of the linears");
  const auto gates = reference::linear(seen, rows, *backend->download(*gate), ComputeType::fp32);
  const auto ups = reference::linear(seen, rows, *backend->download(*up), ComputeType::fp32);
  std::vector<double> expected(gates.size());
  for (std::size_t i = 0; i < gates.size(); ++i) expected[i] = reference::silu_gate(gates[i], ups[i]);
  expect_near(values_of(*backend, *output, rows), expected, 1e-4, "gated");
}

TEST_F(CudaLinear, LinearsOfOneNormSeeTheSameInput) {
  const auto backend = create_gpu();
  const auto norm_weight = create_weight(*backend, random_values(64, 14), 1, 64, dense_format(DataType::fp32));
  const auto a = create_weight(*backend, random_values(48 * 64, 15), 48, 64, dense_format(DataType::bf16));
  const auto b = create_weight(*backend, random_values(16 * 64, 16), 16, 64, int8_row_format());
  const auto input = create_filled(*backend, random_values(2 * 64, 17), 2);
  const auto out_a = create_filled(*backend, std::vector<float>(2 * 48), 2);
  const auto out_b = create_filled(*backend, std::vector<float>(2 * 16), 2);
  std::vector<LinearOutput> outputs(2);
  outputs[0] = {{}, out_a.get()};
  outputs[0].linear.weight = a.get();
  outputs[0].linear.compute = ComputeType::bf16;
  outputs[1] = {{}, out_b.get()};
  outputs[1].linear.weight = b.get();
  outputs[1].linear.activations = ActivationMode::int8_outliers;
  std::vector<float> normalized;
  const Tap tap = [&](const Linear&, std::span<const float> values, std::int64_t) {
    normalized.assign(values.begin(), values.end());
  };
  ASSERT_TRUE(backend->norm_linears(*input, 2, {norm_weight.get(), 1e-6F}, outputs, &tap).has_value());
  EXPECT_EQ(values_of(*backend, *out_a, 2), multiply(*backend, outputs[0].linear, normalized, 2));
  EXPECT_EQ(values_of(*backend, *out_b, 2), multiply(*backend, outputs[1].linear, normalized, 2));
}

TEST_F(CudaLinear, ARowIsNormalizedToTheSameBitsAloneAndBesideAnother) {
  const auto backend = create_gpu();
  // Rows that a block holds at once, whole or in turns.
  for (const std::int64_t columns : {64, 2056, 4104, 8192}) {
    const auto norm_weight =
        create_weight(*backend, random_values(columns, 18), 1, columns, dense_format(DataType::fp32));
    const auto weight = create_weight(*backend, random_values(16 * columns, 19, weight_scale), 16, columns,
                                      dense_format(DataType::bf16));
    const auto values = random_values(2 * columns, 20);
    const auto run = [&](std::int64_t rows) {
      const auto input = create_filled(*backend, {values.begin(), values.begin() + rows * columns}, rows);
      const auto output = create_filled(*backend, std::vector<float>(static_cast<std::size_t>(rows * 16)), rows);
      LinearOutput product{{}, output.get()};
      product.linear.weight = weight.get();
      product.linear.compute = ComputeType::bf16;
      EXPECT_TRUE(backend->norm_linears(*input, rows, {norm_weight.get(), 1e-6F}, {&product, 1}, nullptr).has_value());
      return values_of(*backend, *output, rows);
    };
    auto both = run(2);
    both.resize(16);
    EXPECT_EQ(run(1), both) << columns;
  }
}

Linear int8_linear(const Weight& weight, OutlierScope scope, float threshold) {
  Linear linear;
  linear.weight = &weight;
  linear.activations = ActivationMode::int8_outliers;
  linear.outlier_scope = scope;
  linear.outlier_threshold = threshold;
  linear.compute = ComputeType::bf16;
  return linear;
}

TEST_F(CudaLinear, Int8AgreesWithTheReferenceInBothScopes) {
  const auto backend = create_gpu();
  for (const std::int64_t columns : {1, 31, 100, 576}) {
    for (const std::int64_t rows : {1, 10}) {
      const auto weight = create_weight(*backend, random_values(53 * columns, 20), 53, columns, int8_row_format());
      const auto copy = backend->download(*weight);
      const auto x = with_outliers(rows, columns, 21);
      for (const OutlierScope scope : {OutlierScope::call, OutlierScope::row}) {
        for (const float threshold : {0.0F, 6.0F}) {
          expect_near(multiply(*backend, int8_linear(*weight, scope, threshold), x, rows),
                      reference::int8_linear(x, rows, *copy, ComputeType::bf16, threshold, scope),
                      2e-4 * std::sqrt(static_cast<double>(columns)), "K " + std::to_string(columns));
        }
      }
    }
  }
}

TEST_F(CudaLinear, Int8RowScopeDoesNotDependOnBatching) {
  const auto backend = create_gpu();
  constexpr std::int64_t columns = 96;
  const auto weight = create_weight(*backend, random_values(50 * columns, 22), 50, columns, int8_row_format());
  const auto x = with_outliers(9, columns, 23);
  const auto linear = int8_linear(*weight, OutlierScope::row, 6.0F);
  const auto together = multiply(*backend, linear, x, 9);
  for (std::int64_t m = 0; m < 9; ++m) {
    const auto alone = multiply(*backend, linear, {x.begin() + m * columns, x.begin() + (m + 1) * columns}, 1);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + m * 50)) << "row " << m;
  }
}

TEST_F(CudaLinear, Int8RefusesWeightsOfOtherFormats) {
  const auto backend = create_gpu();
  const auto weight = create_weight(*backend, random_values(64, 1), 1, 64, dense_format(DataType::fp32));
  const auto input = create_filled(*backend, random_values(64, 2), 1);
  const auto output = create_filled(*backend, {0.0F}, 1);
  const auto done = backend->linear_add(*input, 1, int8_linear(*weight, OutlierScope::row, 6.0F), *output, nullptr);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace quantscope::testing
