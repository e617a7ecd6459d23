// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/regex_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/tokenizer/oniguruma_pattern.h"
#include "core/tokenizer/split_patterns.h"

namespace quantscope {
namespace {

using ::testing::ElementsAre;
using Pieces = std::vector<std::string>;

Pieces split(const SplitRule& rule, std::string_view text) {
  const auto splitter = RegexSplitter::compile(rule);
  EXPECT_TRUE(splitter) << splitter.error().message;
  std::vector<std::string_view> pieces;
  if (splitter) splitter->split(std::span(&text, 1), pieces);
  return {pieces.begin(), pieces.end()};
}

// The example of the documentation of Hugging Face tokenizers, SplitDelimiterBehavior.
TEST(RegexSplitter, FollowsEachBehavior) {
  const auto with = [](SplitBehavior behavior) { return split({"-", false, behavior}, "the-final--countdown"); };
  EXPECT_THAT(with(SplitBehavior::removed), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(with(SplitBehavior::isolated), ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(with(SplitBehavior::merged_with_previous), ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(with(SplitBehavior::merged_with_next), ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(with(SplitBehavior::contiguous), ElementsAre("the", "-", "final", "--", "countdown"));
}

TEST(RegexSplitter, SwapsMatchesAndTheRestWhenInverted) {
  EXPECT_THAT(split({R"(\w+)", false, SplitBehavior::removed, true}, "one, two"), ElementsAre("one", "two"));
}

TEST(RegexSplitter, TakesLiteralPatternsAsTheyStand) {
  EXPECT_THAT(split({"a.", true, SplitBehavior::isolated}, "aba.c"), ElementsAre("ab", "a.", "c"));
}

TEST(RegexSplitter, CutsAtEmptyMatches) {
  EXPECT_THAT(split({R"((?=[A-Z]))"}, "camelCaseText"), ElementsAre("camel", "Case", "Text"));
  EXPECT_THAT(split({"x*"}, "\u00e9x"), ElementsAre("\u00e9", "x"));
}

TEST(RegexSplitter, ContinuesBehindThePiecesOfEarlierSteps) {
  const auto splitter = RegexSplitter::compile({.pattern = std::string(kGpt2Split)});
  const std::vector<std::string_view> texts{"it's  so", "1"};
  std::vector<std::string_view> pieces;
  splitter->split(texts, pieces);
  EXPECT_THAT(pieces, ElementsAre("it", "'s", " ", " so", "1"));
}

TEST(RegexSplitter, DoesNotCountTheMongolianVowelSeparatorAsSpace) {
  EXPECT_THAT(split({.pattern = std::string(kGpt2Split)}, "\u180e\u180e a"), ElementsAre("\u180e\u180e", " a"));
  EXPECT_THAT(split({R"(\S+)"}, "\u180ex y"), ElementsAre("\u180ex", " ", "y"));
}

TEST(RegexSplitter, RefusesWhatPcre2WouldReadDifferently) {
  for (const char* pattern : {R"([a-z&&[^aeiou]])", R"([[a]b])", R"(\h+)", R"([\S])", R"([\W])", R"([]a])"}) {
    const auto splitter = RegexSplitter::compile({.pattern = pattern});
    ASSERT_FALSE(splitter) << pattern;
    EXPECT_EQ(splitter.error().code, ErrorCode::unsupported);
    EXPECT_NE(splitter.error().message.find(pattern), std::string::npos);
  }
}

TEST(RegexSplitter, RefusesMalformedPatternsWithTheReason) {
  for (const char* pattern : {"(", "[", "a{2,1}", R"(\p{Nonsense})", "\\", "\xFF"}) {
    const auto splitter = RegexSplitter::compile({.pattern = pattern});
    ASSERT_FALSE(splitter) << pattern;
    EXPECT_FALSE(splitter.error().message.empty());
  }
}

TEST(RegexSplitter, KeepsTheWholeTextWhenMatchingGivesUp) {
  const std::string text = std::string(64, 'a') + "!";
  std::string joined;
  for (const std::string& piece : split({"(?:a+)+$|(?:a|aa)+\\d"}, text + text)) joined += piece;
  EXPECT_EQ(joined, text + text);
}

TEST(OnigurumaPattern, KeepsEscapesAndPosixClasses) {
  EXPECT_EQ(pcre2_pattern(R"(\\s[[:alpha:]\]]\[)"), R"(\\s[[:alpha:]\]]\[)");
}

}  // namespace
}  // namespace quantscope
