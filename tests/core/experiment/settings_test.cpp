// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quantscope {
namespace {

using ::testing::HasSubstr;

TEST(Configuration, EveryShortNameReadsBackAsItself) {
  for (const ConfigurationName& entry : configuration_names()) {
    const auto settings = parse_configuration(entry.name);
    ASSERT_TRUE(settings) << entry.name;
    EXPECT_EQ(configuration_text(*settings), entry.name);
    EXPECT_EQ(configuration_label(*settings), entry.label);
  }
}

class RoundTrip : public ::testing::TestWithParam<const char*> {};

TEST_P(RoundTrip, TextToSettingsToTextIsTheSame) {
  const auto settings = parse_configuration(GetParam());
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(configuration_text(*settings), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Texts, RoundTrip,
                         ::testing::Values("nf4:block=128,compute=fp32", "fp16:kv=fp32", "int8:int8-threshold=0",
                                           "nf4-dq:scope=all,head=same", "int4:override=down_proj=int8-weight",
                                           "nf4:override=layers\\.(0\\,1)\\.=fp16,threads=2,simd=avx2,context=512",
                                           "int8-weight:compute=fp16,device=cpu"));

struct BadText {
  const char* text;
  const char* says;
};

class BadConfiguration : public ::testing::TestWithParam<BadText> {};

TEST_P(BadConfiguration, IsRefusedWithASentence) {
  const auto settings = parse_configuration(GetParam().text);
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(settings.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadConfiguration,
    ::testing::Values(BadText{"", "nf4-dq"}, BadText{"nf5", "Known ones"}, BadText{"nf4:block", "setting=value"},
                      BadText{"nf4:block=abc", "whole number"}, BadText{"nf4:block=-64", "at least 0"},
                      BadText{"nf4:blocks=64", "int8-threshold"}, BadText{"nf4:compute=int8", "fp32, fp16 or bf16"},
                      BadText{"nf4:kv=nf4", "fp32"}, BadText{"int8:int8-threshold=nan", "at least 0"},
                      BadText{"nf4:head=quarter", "keep, int8 or same"}, BadText{"nf4:override=x", "PATTERN=TYPE"}));

}  // namespace
}  // namespace quantscope
