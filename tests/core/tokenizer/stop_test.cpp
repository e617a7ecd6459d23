// SPDX-License-Identifier: GPL-3.0-or-later
// A stop reaches every step of tokenizing: with one requested, a step does next to nothing of a large text.
#include <gtest/gtest.h>

#include "core/tokenizer/added_tokens.h"
#include "core/tokenizer/bpe_model.h"
#include "core/tokenizer/normalizer.h"
#include "core/tokenizer/pre_tokenizer.h"
#include "core/tokenizer/split_patterns.h"
#include "tests/core/tokenizer/known_tokenizers.h"

namespace quantscope {
namespace {

constexpr std::size_t large = std::size_t{4} << 20U;

std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

std::string repeated(std::string_view part) {
  std::string text;
  while (text.size() < large) text += part;
  return text;
}

TEST(StoppedTokenizing, LooksForNoMoreAddedTokens) {
  AddedToken token;
  token.content = "<a>";
  const AddedTokenMatcher matcher({token});
  const std::string text = repeated("word <a> ");
  EXPECT_GT(matcher.split(text, true).size(), large / 9);
  EXPECT_EQ(matcher.split(text, true, stopped()).size(), 1U);
}

TEST(StoppedTokenizing, CutsNoMoreWords) {
  const std::string text = repeated("word ");
  PreTokenizer expression, spaces, prefix;
  expression.add(*RegexSplitter::compile({.pattern = std::string(kGpt2Split)}));
  expression.add(PrefixSpace());
  spaces.add(Metaspace());
  TextArena arena;
  for (const PreTokenizer* steps : {&expression, &spaces}) {
    EXPECT_GT(steps->split(text, true, arena).size(), large / 6);
    arena.clear();
    EXPECT_LE(steps->split(text, true, arena, stopped()).size(), 1U);
    EXPECT_TRUE(arena.empty());
  }
}

TEST(StoppedTokenizing, NormalizesNoFurther) {
  const std::string text = repeated("e\u0301 A ");
  for (const Normalizer::Step& step : {Normalizer::Step(NormalForm::nfc), Normalizer::Step(LowercaseText()),
                                       Normalizer::Step(ReplaceText{TextPattern::literal(" "), "_"})}) {
    Normalizer normalizer;
    normalizer.add(step);
    EXPECT_GT(normalizer.normalize(text).size(), large / 2);
    EXPECT_TRUE(normalizer.normalize(text, stopped()).empty());
  }
}

TEST(StoppedTokenizing, MergesNoMoreOfALongWord) {
  const BpeSource source{.vocabulary = {{"a", 0}, {"b", 1}, {"ab", 2}}, .merges = {{"a", "b"}}};
  const BpeModel model = *BpeModel::build(source);
  const std::string word = repeated("ab");
  BpeModel::Scratch scratch;
  std::vector<std::int32_t> ids;
  model.encode(word, scratch, ids);
  EXPECT_EQ(ids, std::vector<std::int32_t>(word.size() / 2, 2));
  ids.clear();
  model.encode(word, scratch, ids, stopped());
  EXPECT_TRUE(ids.empty());
}

TEST(StoppedTokenizing, CutsALongWordNoFurther) {
  const BpeSource source{.alphabet = BpeAlphabet::characters, .vocabulary = {{"\u2581", 0}, {"a", 1}}};
  const BpeModel model = *BpeModel::build(source);
  const std::string word = repeated("\u2581a");
  std::vector<std::string_view> parts;
  model.cut(word, parts);
  EXPECT_EQ(parts.size(), word.size() / 4);
  parts.clear();
  model.cut(word, parts, stopped());
  EXPECT_EQ(parts.size(), 1U);
}

/// A text is normalized in pieces, which must not show.
TEST(NormalForm, IsThatOfTheWholeTextWhereverItIsCut) {
  const std::string part = "a\u0323\u0307\u1100\u1161e\u0301";
  const std::string composed = "\u1ea1\u0307\uac00\u00e9";
  std::string text, expected;
  for (std::size_t i = 0; i < 40'000; ++i) {
    text += part;
    expected += composed;
  }
  EXPECT_TRUE(to_normal_form(text, NormalForm::nfc) == expected);
}

class StoppedTokenizer : public ::testing::TestWithParam<const char*> {};

TEST_P(StoppedTokenizer, SaysThatItWasStopped) {
  QUANTSCOPE_REQUIRE_SHARED();
  const Tokenizer& tokenizer = testing::known_tokenizer(GetParam());
  for (const std::string_view part : {"Some words, 12 of them. ", "a", "\u4e2d"}) {
    const std::string text = repeated(part);
    const auto ids = tokenizer.encode(text, {}, stopped());
    ASSERT_FALSE(ids);
    EXPECT_EQ(ids.error().code, ErrorCode::cancelled);
  }
  const std::stop_source source;
  const auto ids = tokenizer.encode("Some words.", {}, source.get_token());
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, tokenizer.encode("Some words."));
}

INSTANTIATE_TEST_SUITE_P(Published, StoppedTokenizer,
                         ::testing::Values("llama3_2", "qwen2_5", "smollm_135m", "mistral_7b_v01"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace quantscope
