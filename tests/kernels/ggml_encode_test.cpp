// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "kernels/formats/ggml_decode.h"
#include "kernels/formats/ggml_encode.h"
#include "tests/kernels/cpu_device.h"
#include "tests/support/ggml_data.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

std::vector<GgmlType> types_that_encode() {
  std::vector<GgmlType> types;
  for (const GgmlTypeInfo& info : ggml_types)
    if (info.can_encode) types.push_back(info.type);
  return types;
}

std::vector<float> round_trip(GgmlType type, const std::vector<float>& values) {
  std::vector<std::byte> blocks(static_cast<std::size_t>(ggml_bytes(type, std::ssize(values))));
  encode_ggml(type, values.data(), std::ssize(values), blocks.data());
  std::vector<float> decoded(values.size());
  decode_ggml(type, blocks.data(), std::ssize(values), decoded.data());
  return decoded;
}

double root_mean_square_error(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(a.size()));
}

/// tests/data/ggml_encode_errors.txt holds what ggml's own quantizers lose on the same values.
TEST(GgmlEncode, LosesNoMoreThanTheQuantizersOfGgml) {
  std::ifstream file(testing::source_folder() / "tests/data/ggml_encode_errors.txt");
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    std::string name, kind;
    std::size_t count = 0;
    double theirs = 0;
    ASSERT_TRUE(fields >> name >> kind >> count >> theirs) << line;
    const auto values = testing::ggml_source_values(kind, count);
    const double ours = root_mean_square_error(values, round_trip(parse_ggml_type(name).value(), values));
    EXPECT_LE(ours, theirs * 1.0000001) << line;
    ++compared;
  }
  EXPECT_EQ(compared, 8 * 4);
}

class GgmlEncodeTypes : public ::testing::TestWithParam<GgmlType> {};

TEST_P(GgmlEncodeTypes, KeepZerosAndSurviveEveryValue) {
  const std::vector<float> zeros(256);
  for (const float value : round_trip(GetParam(), zeros)) EXPECT_EQ(value, 0.0F);
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const float odd : {infinity, -infinity, nan, 3.4e38F, -3.4e38F, 1e-45F, -1e-45F, 1e-38F}) {
    std::vector<float> values(256, odd);
    round_trip(GetParam(), values);
    values = testing::ggml_source_values("uniform", 256);
    values[7] = odd;
    values[200] = odd;
    round_trip(GetParam(), values);
  }
}

TEST_P(GgmlEncodeTypes, StayCloseForEveryScaleAndSign) {
  for (const float scale : {1e-3F, 1.0F, 300.0F})
    for (const float shift : {0.0F, 0.9F, -0.9F, 5.0F, -5.0F}) {
      auto values = testing::ggml_source_values("bell", 512);
      for (float& value : values) value = (value + shift) * scale;
      // A value lies at most 1 from zero or 6 with the shift; sixteen levels with one sign are the coarsest.
      const double bound = static_cast<double>(scale) * (1.0 + std::abs(static_cast<double>(shift))) / 12;
      EXPECT_LT(root_mean_square_error(values, round_trip(GetParam(), values)), bound) << scale << " " << shift;
    }
}

/// Blocks are known to the CPU device as any other format is.
TEST_P(GgmlEncodeTypes, QuantizeMultiplyEmbedAndDownloadOnTheCpu) {
  constexpr std::int64_t rows = 70, columns = 512;
  const auto source = testing::random_values(rows * columns, 3);
  const auto expected = round_trip(GetParam(), source);
  const auto backend = testing::create_cpu("auto", 2);
  const auto weight = testing::create_weight(*backend, source, rows, columns, ggml_format(GetParam()));
  ASSERT_NE(weight, nullptr);
  std::vector<float> decoded(source.size());
  ASSERT_TRUE(backend->decode(*weight, 0, rows, decoded).has_value());
  EXPECT_EQ(decoded, expected);

  const auto x = testing::random_values(3 * columns, 4);
  std::vector<double> products(3 * rows);
  for (std::size_t m = 0; m < 3; ++m)
    for (std::size_t n = 0; n < rows; ++n)
      for (std::size_t k = 0; k < columns; ++k)
        products[m * rows + n] +=
            static_cast<double>(x[m * columns + k]) * static_cast<double>(expected[n * columns + k]);
  testing::expect_near(testing::multiply(*backend, {.weight = weight.get()}, x, 3), products, 1e-3, "product");

  auto downloaded = backend->download(*weight);
  ASSERT_TRUE(downloaded.has_value());
  EXPECT_EQ(static_cast<std::int64_t>(downloaded->codes.size()), ggml_bytes(GetParam(), rows * columns));
  const auto again = backend->upload(std::move(*downloaded));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  const std::int32_t ids[] = {69, 0};
  auto hidden = backend->create_buffer(2, columns);
  ASSERT_TRUE(hidden.has_value());
  ASSERT_TRUE(backend->embed(**again, ids, ComputeType::fp32, **hidden).has_value());
  const auto embedded = testing::values_of(*backend, **hidden, 2);
  for (std::size_t i = 0; i < columns; ++i) {
    ASSERT_EQ(embedded[i], expected[69 * columns + i]);
    ASSERT_EQ(embedded[columns + i], expected[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GgmlEncodeTypes, ::testing::ValuesIn(types_that_encode()),
                         [](const auto& test) { return std::string(ggml_type_info(test.param).key); });

TEST(GgmlFormat, CountsWholeBlocksAndRefusesOthers) {
  EXPECT_EQ(format_bytes(ggml_format(GgmlType::q4_k), 10, 512).codes, 10 * 2 * 144);
  EXPECT_EQ(format_bytes(ggml_format(GgmlType::q4_k), 10, 512).scales, 0);
  MemoryLedger ledger;
  const auto refused = QuantizedTensor::allocate(ledger, 2, 384, ggml_format(GgmlType::q6_k), MemoryTag::codes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("Q6_K"), std::string::npos);
  const auto backend = testing::create_cpu();
  const RowReader none = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> { return {}; };
  EXPECT_FALSE(backend->quantize(none, 2, 256, ggml_format(GgmlType::iq2_s), MemoryTag::codes).has_value());
}

}  // namespace
}  // namespace quantscope
