// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/linear_properties.h"

namespace quantscope::testing {
namespace {
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
  for (const std::int64_t columns : {1, 31, 64, 97})
    expect_products_of_the_reference(*backend, 11, 37, columns);  // one full group of rows and a rest
}

TEST_F(CudaLinear, ManyRowsAgreeWithTheReference) {
  const auto backend = create_gpu();
  // Two groups of rows, and more than are decoded in registers.
  for (const std::int64_t rows : {40, 70}) expect_products_of_the_reference(*backend, rows, 40, 128);
}

TEST_F(CudaLinear, LongRowsOfManyOutputsAgreeWithTheReference) {
  const auto backend = create_gpu();
  // More steps than a warp keeps on their way, the last one not whole, and more tiles than blocks.
  constexpr std::int64_t columns = 8 * 5 * 128 + 96;
  constexpr std::int64_t outputs = 10 * 16 + 5;
  const auto values = random_values(outputs * columns, 31, weight_scale);
  const auto x = random_values(9 * columns, 32);
  for (const NamedFormat& format : formats()) {
    const auto weight = create_weight(*backend, values, outputs, columns, format.format);
    const auto copy = backend->download(*weight);
    ASSERT_TRUE(copy.has_value());
    const auto expected = reference::linear(x, 9, *copy, ComputeType::bf16);
    const Linear linear = linear_of(*weight, ComputeType::bf16);
    expect_near(multiply(*backend, linear, x, 9), expected, tolerance(columns), format.name);
    expect_near(multiply(*backend, linear, {x.begin(), x.begin() + columns}, 1),
                {expected.begin(), expected.begin() + outputs}, tolerance(columns), format.name + ", one row");
  }
}

TEST_F(CudaLinear, Int8RowsOfExtremeScaleAgreeWithTheReference) {
  const auto backend = create_gpu();
  constexpr std::int64_t outputs = 20;
  constexpr std::int64_t columns = 160;
  QuantizedTensor tensor =
      QuantizedTensor::allocate(backend->upload_ledger(), outputs, columns, int8_row_format(), MemoryTag::codes)
          .value();
  for (std::int64_t i = 0; i < outputs * columns; ++i)
    tensor.codes.data()[i] = static_cast<std::byte>(static_cast<std::int8_t>(i * 37 % 255 - 127));
  constexpr float extremes[] = {0.0F, 1e-35F, 1e35F, 0.01F};
  for (std::int64_t row = 0; row < outputs; ++row) tensor.scales.as<float>()[row] = extremes[row % 4];
  const auto weight = backend->upload(std::move(tensor));
  ASSERT_TRUE(weight.has_value());
  const auto copy = backend->download(**weight);
  ASSERT_TRUE(copy.has_value());
  const auto x = random_values(columns, 33);
  const auto products = multiply(*backend, linear_of(**weight, ComputeType::bf16), x, 1);
  const auto expected = reference::linear(x, 1, *copy, ComputeType::bf16);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double scale = extremes[i % 4];
    EXPECT_NEAR(products[i], expected[i], 1e-4 * scale) << "row " << i;
    EXPECT_EQ(expected[i] == 0, scale == 0) << "row " << i;
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

TEST_F(CudaLinear, AddsTheBiasAndKeepsTheResidual) { expect_bias_and_residual(*create_gpu()); }

TEST_F(CudaLinear, NormAndGateAgreeWithTheReference) { expect_norm_and_gate_of_the_reference(*create_gpu(), 70); }

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
