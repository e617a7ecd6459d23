// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstring>

#include "tests/kernels/linear_properties.h"

namespace quantscope::testing {
namespace {
class LinearLevels : public ::testing::TestWithParam<std::string> {};

TEST_P(LinearLevels, AgreeWithTheReferenceForEveryFormatAndOddShapes) {
  const auto backend = create_cpu(GetParam(), 2);
  for (const std::int64_t columns : {1, 31, 64, 96, 576, 1536})
    expect_products_of_the_reference(*backend, 5, 50, columns);
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

TEST_P(LinearLevels, AddTheBiasAndKeepTheResidual) { expect_bias_and_residual(*create_cpu(GetParam())); }

TEST_P(LinearLevels, NormAndGateAgreeWithTheReference) {
  expect_norm_and_gate_of_the_reference(*create_cpu(GetParam(), 2), 130);
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
