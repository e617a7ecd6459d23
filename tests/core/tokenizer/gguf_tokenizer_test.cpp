// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/tokenizer/split_patterns.h"

namespace quantscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

GgufVocabulary tiny() {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "gpt-2";
  vocabulary.tokens = {"a", "b", "ab", "\u0120", "<s>", "</s>", "\u0120x y", "aba"};
  vocabulary.token_types = {1, 1, 1, 1, 3, 3, 4, 1};
  vocabulary.merges = {"a b"};
  vocabulary.bos_id = 4;
  vocabulary.eos_id = 5;
  return vocabulary;
}

std::shared_ptr<const Tokenizer> built(const GgufVocabulary& vocabulary) {
  const auto tokenizer = Tokenizer::from_gguf(vocabulary);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer.value_or(nullptr);
}

TEST(GgufTokenizer, MatchesControlAndUserDefinedTokensInText) {
  const auto tokenizer = built(tiny());
  EXPECT_THAT(tokenizer->encode("ab<s>\u0120x y"), ElementsAre(2, 4, 6));
  EXPECT_EQ(tokenizer->decode(std::vector<std::int32_t>{3, 6, 4}), " \u0120x y<s>");
  EXPECT_TRUE(tokenizer->is_special(4));
  EXPECT_FALSE(tokenizer->is_special(6));
}

TEST(GgufTokenizer, AddsBosAndEosAsTheFileOrElseThePreTokenizerSays) {
  GgufVocabulary vocabulary = tiny();
  EXPECT_THAT(built(vocabulary)->encode("a"), ElementsAre(0));
  vocabulary.add_eos = true;
  EXPECT_THAT(built(vocabulary)->encode("a"), ElementsAre(0, 5));
  vocabulary.pre = "llama-bpe";
  EXPECT_THAT(built(vocabulary)->encode("a"), ElementsAre(4, 0, 5));
  EXPECT_TRUE(built(vocabulary)->adds_bos());
  vocabulary.add_bos = false;
  EXPECT_THAT(built(vocabulary)->encode("a"), ElementsAre(0, 5));
}

TEST(GgufTokenizer, IgnoresMergesForLlama3Only) {
  GgufVocabulary vocabulary = tiny();
  EXPECT_THAT(built(vocabulary)->encode("aba"), ElementsAre(2, 0));
  vocabulary.pre = "llama3";
  EXPECT_THAT(built(vocabulary)->encode("aba", {.add_special = false}), ElementsAre(7));
}

TEST(GgufTokenizer, ListsTheKnownPreTokenizersWhenItRefusesOne) {
  GgufVocabulary vocabulary = tiny();
  vocabulary.pre = "kimi-k2";
  const auto tokenizer = Tokenizer::from_gguf(vocabulary);
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, ErrorCode::unsupported);
  for (const NamedPreTokenizer& named : named_pre_tokenizers()) {
    for (const std::string_view name : named.names) {
      EXPECT_THAT(tokenizer.error().message, HasSubstr(std::string(name)));
    }
  }
}

TEST(GgufTokenizer, RefusesVocabulariesThatContradictThemselves) {
  const auto refused = [](auto change) {
    GgufVocabulary vocabulary = tiny();
    change(vocabulary);
    const auto tokenizer = Tokenizer::from_gguf(vocabulary);
    return !tokenizer && tokenizer.error().code == ErrorCode::corrupt_file;
  };
  EXPECT_TRUE(refused([](GgufVocabulary& v) { v.token_types.pop_back(); }));
  EXPECT_TRUE(refused([](GgufVocabulary& v) { v.tokens.clear(); }));
  EXPECT_TRUE(refused([](GgufVocabulary& v) { v.bos_id = 8; }));
  EXPECT_TRUE(refused([](GgufVocabulary& v) { v.eos_id = -1; }));
  EXPECT_TRUE(refused([](GgufVocabulary& v) { v.merges = {"ab"}; }));
  EXPECT_TRUE(refused([](GgufVocabulary& v) { v.merges = {"b b"}; }));
}

}  // namespace
}  // namespace quantscope
