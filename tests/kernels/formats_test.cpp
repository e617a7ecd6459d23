// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

TEST(Half, EveryFp16PatternSurvivesTheWayThroughFp32) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto pattern = static_cast<std::uint16_t>(bits);
    const float value = fp16_to_fp32(pattern);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(fp16_to_fp32(fp32_to_fp16(value))));
      continue;
    }
    ASSERT_EQ(fp32_to_fp16(value), pattern);
  }
}

TEST(Half, EveryBf16PatternSurvivesTheWayThroughFp32) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto pattern = static_cast<std::uint16_t>(bits);
    const float value = bf16_to_fp32(pattern);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_fp32(fp32_to_bf16(value))));
      continue;
    }
    ASSERT_EQ(fp32_to_bf16(value), pattern);
  }
}

TEST(Half, Fp16MidpointsRoundToEvenAndTheirNeighboursToTheNearest) {
  for (std::uint16_t pattern = 0; pattern < 0x7BFF; ++pattern) {
    const float middle = (fp16_to_fp32(pattern) + fp16_to_fp32(static_cast<std::uint16_t>(pattern + 1))) * 0.5F;
    const auto even = static_cast<std::uint16_t>(pattern + (pattern & 1U));
    ASSERT_EQ(fp32_to_fp16(middle), even) << pattern;
    ASSERT_EQ(fp32_to_fp16(std::nextafter(middle, 0.0F)), pattern);
    ASSERT_EQ(fp32_to_fp16(-std::nextafter(middle, infinity)), 0x8000U | (pattern + 1U));
  }
}

TEST(Half, SpecialValues) {
  EXPECT_EQ(fp32_to_fp16(65519.996F), 0x7BFF);
  EXPECT_EQ(fp32_to_fp16(65520.0F), 0x7C00);
  EXPECT_EQ(fp32_to_fp16(-1e30F), 0xFC00);
  EXPECT_EQ(fp32_to_fp16(0x1p-25F), 0x0000);
  EXPECT_EQ(fp32_to_fp16(std::nextafter(0x1p-25F, 1.0F)), 0x0001);
  EXPECT_EQ(fp32_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(fp32_to_bf16(float_from_bits(0x3F808000)), 0x3F80);
  EXPECT_EQ(fp32_to_bf16(float_from_bits(0x3F818000)), 0x3F82);
  EXPECT_EQ(fp32_to_bf16(float_from_bits(0x7F800001)), 0x7FC0) << "a signalling NaN must not turn into infinity";
  EXPECT_EQ(fp32_to_fp16(float_from_bits(0xFF800001)), 0xFE00);
}

TEST(Half, RoundToComputeType) {
  EXPECT_EQ(round_to(ComputeType::fp32, 1.0001F), 1.0001F);
  EXPECT_EQ(round_to(ComputeType::fp16, 1.0001F), 1.0F);
  EXPECT_EQ(round_to(ComputeType::bf16, 1.01F), 1.0078125F);
}

TEST(Nf4, ThresholdsAreTheMidpointsOfTheLevels) {
  for (int i = 0; i < 15; ++i) {
    const double middle = (static_cast<double>(nf4_levels[i]) + static_cast<double>(nf4_levels[i + 1])) / 2;
    EXPECT_EQ(nf4_thresholds[i], static_cast<float>(middle)) << i;
  }
}

TEST(Nf4, LevelsKeepTheirCodesAndTiesGoDown) {
  for (int i = 0; i < 16; ++i) EXPECT_EQ(encode_nf4(nf4_levels[i]), i);
  for (int i = 0; i < 15; ++i) {
    EXPECT_EQ(encode_nf4(nf4_thresholds[i]), i);
    EXPECT_EQ(encode_nf4(std::nextafter(nf4_thresholds[i], 2.0F)), i + 1);
  }
  EXPECT_EQ(encode_nf4(nan_value), 0);
}

TEST(Fp4, LevelsKeepTheirCodesAndTiesGoToTheSmallerMagnitude) {
  for (int i = 0; i < 16; ++i) EXPECT_EQ(encode_fp4(fp4_levels[i]), i == 8 ? 0 : i);
  for (int i = 0; i < 7; ++i) {
    const float tie = fp4_magnitude_thresholds[i];
    EXPECT_EQ(encode_fp4(tie), fp4_ascending_codes[i]);
    EXPECT_EQ(encode_fp4(-tie), fp4_ascending_codes[i] + 8);
    EXPECT_EQ(encode_fp4(std::nextafter(tie, 2.0F)), fp4_ascending_codes[i + 1]);
  }
  EXPECT_EQ(encode_fp4(nan_value), 0);
  EXPECT_TRUE(std::signbit(decode_fp4(8)));
}

TEST(Fp4, ThresholdsHaveTheBitsOfCudasLiterals) {
  constexpr std::uint32_t bits[7] = {0x3B2AAAB9, 0x3DB00000, 0x3E555555, 0x3E955555,
                                     0x3ED55556, 0x3F155550, 0x3F555555};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(float_bits(fp4_magnitude_thresholds[i]), bits[i]) << i;
}

TEST(Int4, RoundsTiesToEvenAndClamps) {
  const float scale = int4_scale(7.0F);
  ASSERT_EQ(scale, 1.0F);
  EXPECT_EQ(encode_int4(0.5F, scale), 8);
  EXPECT_EQ(encode_int4(1.5F, scale), 10);
  EXPECT_EQ(encode_int4(2.5F, scale), 10);
  EXPECT_EQ(encode_int4(-6.5F, scale), 2);
  EXPECT_EQ(encode_int4(-100.0F, scale), 1);
  EXPECT_EQ(encode_int4(infinity, scale), 15);
  EXPECT_EQ(encode_int4(nan_value, scale), 8);
  EXPECT_EQ(encode_int4(3.0F, 0.0F), 8);
  EXPECT_EQ(encode_int4(infinity, infinity), 8);
}

TEST(Int4, EveryCodeButTheUnusedOneSurvives) {
  for (int code = 1; code < 16; ++code) EXPECT_EQ(encode_int4(decode_int4(code) * 0.37F, 0.37F), code);
}

TEST(Int8, RoundsTiesToEvenAndMapsNanToZero) {
  EXPECT_EQ(encode_int8(0.5F, int8_multiplier(1.0F)), 64);
  EXPECT_EQ(encode_int8(-1.0F, int8_multiplier(1.0F)), -127);
  EXPECT_EQ(encode_int8(0.0F, int8_multiplier(0.0F)), 0);
  EXPECT_EQ(encode_int8(infinity, int8_multiplier(infinity)), 0);
}

TEST(LevelsTable, AgreesWithTheSingleDecoders) {
  for (int code = 0; code < 16; ++code) {
    EXPECT_EQ(levels_table(Levels::nf4).values[code], decode_nf4(code));
    EXPECT_EQ(levels_table(Levels::fp4).values[code], decode_fp4(code));
    EXPECT_EQ(levels_table(Levels::int4).values[code], decode_int4(code));
  }
}

TEST(DynamicMap, IsAscendingAndEveryLevelKeepsItsCode) {
  for (int i = 0; i < 256; ++i) {
    if (i > 0) {
      EXPECT_LT(dynamic_map.values[i - 1], dynamic_map.values[i]);
    }
    EXPECT_EQ(encode_dynamic(dynamic_map.values[i], dynamic_thresholds.values), i);
  }
  EXPECT_EQ(dynamic_map.values[127], 0.0F);
}

TEST(DynamicMap, TiesGoToTheEvenCode) {
  for (int i = 0; i < 255; ++i)
    EXPECT_EQ(encode_dynamic(dynamic_thresholds.values[i], dynamic_thresholds.values), i + i % 2) << i;
  EXPECT_EQ(encode_dynamic(-5.0F, dynamic_thresholds.values), 0);
  EXPECT_EQ(encode_dynamic(5.0F, dynamic_thresholds.values), 255);
  EXPECT_EQ(encode_dynamic(nan_value, dynamic_thresholds.values), 0);
}

TEST(DynamicMap, HasTheBitsOfTheLibrarysTable) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::ifstream list(testing::shared_folder() / "reference/dynamic_map.txt");
  int entries = 0;
  for (std::string line; std::getline(list, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    int index = 0;
    std::string hex;
    if (!(fields >> index >> hex)) continue;
    ASSERT_LT(index, 256);
    EXPECT_EQ(float_bits(dynamic_map.values[index]), std::stoul(hex, nullptr, 16)) << index;
    ++entries;
  }
  EXPECT_EQ(entries, 256);
}

TEST(BlockScale, FollowsCudaForZerosSubnormalsAndHugeValues) {
  EXPECT_EQ(block_reciprocal(0.0F), infinity);
  EXPECT_EQ(block_reciprocal(1e-40F), infinity);
  EXPECT_EQ(block_reciprocal(infinity), 0.0F);
  EXPECT_EQ(block_reciprocal(std::numeric_limits<float>::max()), 0.0F) << "its reciprocal is subnormal";
  EXPECT_EQ(block_reciprocal(4.0F), 0.25F);
  EXPECT_EQ(extend_absmax(0.5F, nan_value), 0.5F);
  EXPECT_EQ(extend_absmax(0.0F, -1e-40F), 0.0F);
  EXPECT_TRUE(std::isnan(normalize(0.0F, block_reciprocal(0.0F))));
}

}  // namespace
}  // namespace quantscope
