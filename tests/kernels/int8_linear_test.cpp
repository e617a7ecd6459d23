// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <set>

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"
#include "tests/support/reference_data.h"

namespace quantscope::testing {
namespace {

Linear int8_linear(const Weight& weight, OutlierScope scope, float threshold, ComputeType compute) {
  Linear linear;
  linear.weight = &weight;
  linear.activations = ActivationMode::int8_outliers;
  linear.outlier_scope = scope;
  linear.outlier_threshold = threshold;
  linear.compute = compute;
  return linear;
}

/// Activations of which some columns have outliers, one of them only in one row.
std::vector<float> with_outliers(std::int64_t rows, std::int64_t columns, unsigned seed) {
  auto x = random_values(rows * columns, seed);
  for (std::int64_t m = 0; m < rows; ++m) x[static_cast<std::size_t>(m * columns + columns / 2)] = 9.5F;
  x[0] = -30.0F;
  return x;
}

class Int8Levels : public ::testing::TestWithParam<std::string> {};

TEST_P(Int8Levels, AgreeWithTheReferenceInBothScopes) {
  const auto backend = create_cpu(GetParam(), 2);
  for (const std::int64_t columns : {1, 31, 100, 576}) {
    for (const std::int64_t rows : {1, 6}) {
      const auto weight = create_weight(*backend, random_values(53 * columns, 20), 53, columns, int8_row_format());
      const auto copy = backend->download(*weight);
      const auto x = with_outliers(rows, columns, 21);
      for (const OutlierScope scope : {OutlierScope::call, OutlierScope::row}) {
        for (const float threshold : {0.0F, 6.0F}) {
          const auto linear = int8_linear(*weight, scope, threshold, ComputeType::bf16);
          expect_near(multiply(*backend, linear, x, rows),
                      reference::int8_linear(x, rows, *copy, ComputeType::bf16, threshold, scope),
                      2e-4 * std::sqrt(static_cast<double>(columns)), "K " + std::to_string(columns));
        }
      }
    }
  }
}

TEST_P(Int8Levels, RowScopeDoesNotDependOnBatching) {
  const auto backend = create_cpu(GetParam(), 3);
  constexpr std::int64_t columns = 576;
  const auto weight = create_weight(*backend, random_values(200 * columns, 22), 200, columns, int8_row_format());
  const auto x = with_outliers(7, columns, 23);
  const auto linear = int8_linear(*weight, OutlierScope::row, 6.0F, ComputeType::fp16);
  const auto together = multiply(*backend, linear, x, 7);
  for (std::int64_t m = 0; m < 7; ++m) {
    const auto alone = multiply(*backend, linear, {x.begin() + m * columns, x.begin() + (m + 1) * columns}, 1);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + m * 200)) << "row " << m;
  }
}

TEST_P(Int8Levels, ReproduceTheLibrarysOutputs) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(shared_folder() / "reference/bitsandbytes/llm_int8.safetensors");
  const auto backend = create_cpu(GetParam(), 2);
  const auto floats = [&](const std::string& name) {
    std::vector<float> values;
    for (const std::uint16_t bits : oracle.at(name).as<std::uint16_t>()) values.push_back(fp16_to_fp32(bits));
    return values;
  };
  for (const std::string name : {"case0", "case1", "case2"}) {
    const auto& shape = oracle.at(name + ".weight").shape;
    // The outputs were made with the library's own codes, a few of which are rounded the other way at exact halves.
    const auto codes = oracle.at(name + ".codes").as<std::int8_t>();
    const auto absmax = oracle.at(name + ".SCB").as<float>();
    auto tensor = QuantizedTensor::allocate(backend->ledger(), shape[0], shape[1], int8_row_format(), MemoryTag::codes);
    ASSERT_TRUE(tensor.has_value());
    std::copy(codes.begin(), codes.end(), tensor->codes.as<std::int8_t>().begin());
    std::copy(absmax.begin(), absmax.end(), tensor->scales.as<float>().begin());
    const auto uploaded = backend->upload(std::move(*tensor));
    ASSERT_TRUE(uploaded.has_value());
    const Weight* weight = uploaded->get();
    const auto x = floats(name + ".activation");
    const std::int64_t rows = oracle.at(name + ".activation").shape[0];
    for (const float threshold : {0.0F, 6.0F}) {
      const std::string part = name + (threshold > 0 ? ".thr6" : ".thr0");
      const auto linear = int8_linear(*weight, OutlierScope::call, threshold, ComputeType::fp16);
      const auto actual = multiply(*backend, linear, x, rows);
      const auto expected = oracle.at(part + ".out_fp64").as<double>();
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) {
        // The library rounds two partial results to fp16.
        ASSERT_NEAR(static_cast<double>(actual[i]), expected[i], std::abs(expected[i]) / 1024 + 2e-3) << part;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, Int8Levels, ::testing::ValuesIn(levels()));

TEST(Int8Reference, CodesActivationsAsTheLibraryDoes) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(shared_folder() / "reference/bitsandbytes/llm_int8.safetensors");
  for (const std::string part : {"case0.thr0", "case0.thr6", "case1.thr6", "case2.thr0", "case2.thr6"}) {
    const OracleTensor& activation = oracle.at(part.substr(0, 5) + ".activation");
    std::vector<float> x;
    for (const std::uint16_t bits : activation.as<std::uint16_t>()) x.push_back(fp16_to_fp32(bits));
    const float threshold = part.ends_with("6") ? 6.0F : 0.0F;
    const auto encoded = reference::encode_activations(x, activation.shape[0], threshold, OutlierScope::call);
    EXPECT_EQ(encoded.absmax, oracle.at(part + ".act_row_absmax").as<float>()) << part;
    const auto codes = oracle.at(part + ".act_codes").as<std::int8_t>();
    const auto sensitive = oracle.at(part + ".act_sensitive_index").as<std::int32_t>();
    const std::set<std::int32_t> near_halves(sensitive.begin(), sensitive.end());
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const int allowed = near_halves.contains(static_cast<std::int32_t>(i)) ? 1 : 0;
      EXPECT_LE(std::abs(codes[i] - encoded.codes[i]), allowed) << part << " at " << i;
    }
  }
}

TEST(Int8Linear, RefusesWeightsOfOtherFormats) {
  const auto backend = create_cpu();
  const auto weight = create_weight(*backend, random_values(64, 1), 1, 64, dense_format(DataType::fp32));
  const auto input = create_filled(*backend, random_values(64, 2), 1);
  const auto output = create_filled(*backend, {0.0F}, 1);
  const auto linear = int8_linear(*weight, OutlierScope::row, 6.0F, ComputeType::fp32);
  const auto done = backend->linear_add(*input, 1, linear, *output, nullptr);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace quantscope::testing
