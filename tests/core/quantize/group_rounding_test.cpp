// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/group_rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/formats/affine.h"
#include "kernels/row_decoder.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

RowReader reader_of(const std::vector<float>& values, std::int64_t columns) {
  return [&values, columns](std::int64_t first, std::int64_t count, std::span<float> out) -> Result<void> {
    std::copy_n(values.begin() + first * columns, count * columns, out.begin());
    return {};
  };
}

int code_at(const QuantizedTensor& tensor, std::int64_t position) {
  const int bits = tensor.format.code_bits;
  return bit_code(
      tensor.codes.as<std::uint8_t>().data() + position / tensor.columns * bit_row_bytes(tensor.columns, bits),
      position % tensor.columns, bits);
}

class SymmetricGroups : public ::testing::TestWithParam<std::pair<const char*, std::int64_t>> {};

TEST_P(SymmetricGroups, AreThoseOfTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto& [name, group] = GetParam();
  const auto oracle = testing::read_oracle(testing::shared_folder() / "reference/gptq/layer.safetensors");
  const auto weights = oracle.at("W").as<float>();
  MemoryLedger ledger;
  const auto tensor =
      round_to_groups(reader_of(weights, 256), 128, 256, affine_format(4, group, ScaleType::float32), ledger, "W", {});
  ASSERT_TRUE(tensor) << tensor.error().message;
  const std::string prefix = name;
  const auto codes = oracle.at(prefix + ".codes").bytes;
  const auto ties = oracle.at(prefix + ".near_tie_index").as<std::int32_t>();
  const auto scales = oracle.at(prefix + ".scales").as<double>();
  for (std::size_t i = 0; i < scales.size(); ++i)
    EXPECT_NEAR(tensor->scales.as<float>()[i] / scales[i], 1.0, 1e-6) << i;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const bool near_tie = std::ranges::find(ties, static_cast<std::int32_t>(i)) != ties.end();
    EXPECT_LE(std::abs(code_at(*tensor, static_cast<std::int64_t>(i)) - codes[i]), near_tie ? 1 : 0) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, SymmetricGroups,
                         ::testing::Values(std::pair{"rtn_g64_sym", std::int64_t{64}},
                                           std::pair{"rtn_gall_sym", std::int64_t{256}}));

TEST(SpanningGroups, AreThoseOfTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto oracle = testing::read_oracle(testing::shared_folder() / "reference/awq/layer.safetensors");
  const auto layer = testing::read_oracle(testing::shared_folder() / "reference/gptq/layer.safetensors");
  for (const std::string kind : {"awq_duo", "awq_activation"}) {
    auto weights = layer.at("W").as<float>();
    const auto channel = oracle.at(kind + ".channel_scale").as<double>();
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(weights[i] * channel[i % 256]);
    WeightFormat format = affine_format(4, 64, ScaleType::float32);
    format.zero_point = ZeroPoint::integer;
    MemoryLedger ledger;
    const auto tensor = round_to_groups(reader_of(weights, 256), 128, 256, format, ledger, "W", {});
    ASSERT_TRUE(tensor) << tensor.error().message;
    const auto codes = oracle.at(kind + ".codes").bytes, zeros = oracle.at(kind + ".group_zeros").bytes;
    std::size_t different = 0;
    for (std::size_t i = 0; i < codes.size(); ++i)
      different += code_at(*tensor, static_cast<std::int64_t>(i)) != codes[i] ? 1 : 0;
    EXPECT_LE(different, codes.size() / 200) << kind;
    for (std::size_t i = 0; i < zeros.size(); ++i)
      EXPECT_NEAR(bit_code(tensor->zeros.as<std::uint8_t>().data() + i / 4 * 2, static_cast<std::int64_t>(i % 4), 4),
                  zeros[i], 1)
          << kind << " " << i;
  }
}

TEST(GroupRounding, IsWithinHalfAStepAndKeepsZeros) {
  std::vector<float> weights(6 * 96);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
  std::fill_n(weights.begin() + 32, 32, 0.0F);
  for (const int bits : {2, 3, 4, 8})
    for (const bool zero_points : {false, true}) {
      WeightFormat format = affine_format(bits, 32, ScaleType::float16);
      if (zero_points) format.zero_point = ZeroPoint::integer;
      MemoryLedger ledger;
      const auto tensor = round_to_groups(reader_of(weights, 96), 6, 96, format, ledger, "w", {});
      ASSERT_TRUE(tensor) << tensor.error().message;
      std::vector<float> decoded(weights.size());
      decode_rows(*tensor, 0, 6, decoded);
      for (std::size_t i = 32; i < 64; ++i) EXPECT_EQ(decoded[i], 0.0F);
      // A tenth for the rounding of the scale itself.
      const float step = 2.0F / static_cast<float>((1 << bits) - 1);
      for (std::size_t i = 0; i < weights.size(); ++i)
        EXPECT_LE(std::abs(decoded[i] - weights[i]), 0.6F * step) << bits << " " << i;
    }
}

TEST(GroupRounding, RefusesWeightsThatHaveNoScale) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e6F}) {
    std::vector<float> weights(64, 0.5F);
    weights[40] = bad;
    MemoryLedger ledger;
    const auto tensor =
        round_to_groups(reader_of(weights, 32), 2, 32, affine_format(4, 32, ScaleType::float16), ledger, "w", {});
    ASSERT_FALSE(tensor) << bad;
    EXPECT_EQ(tensor.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(tensor.error().message.find("Row 1 of w"), std::string::npos);
  }
}

}  // namespace
}  // namespace quantscope
