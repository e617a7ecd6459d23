// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/core/tokenizer/known_tokenizers.h"
#include "tests/support/sha256.h"

namespace quantscope {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

static_assert(std::endian::native == std::endian::little, "the digests are over little-endian ids");

std::string digest(std::span<const std::int32_t> ids) {
  return testing::sha256({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
}

/// The vocabulary inside the default model's GGUF file, against Hugging Face tokenizers and llama.cpp.
class DefaultModelTokenizer : public ::testing::Test {
 protected:
  void SetUp() override {
    QUANTSCOPE_REQUIRE_SHARED();
    QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
    const auto checkpoint = Checkpoint::open(testing::default_model_file());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    const auto tokenizer = Tokenizer::of(**checkpoint);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    tokenizer_ = *tokenizer;
    oracle_ = json::parse(std::ifstream(testing::shared_folder() / "reference/smollm2/smollm2_tokens.json"));
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  json oracle_;
};

TEST_F(DefaultModelTokenizer, EncodesAndDecodesEveryStringExactly) {
  ASSERT_EQ(oracle_.at("strings").size(), 60U);
  for (const json& example : oracle_.at("strings")) {
    const std::string text = example.at("text");
    const Ids ids = example.at("ids");
    EXPECT_EQ(tokenizer_->encode(text), ids) << text;
    EXPECT_EQ(tokenizer_->decode(ids), example.at("decoded"));
  }
}

TEST_F(DefaultModelTokenizer, EncodesTheWikiTextTestSetExactly) {
  std::ifstream file(testing::shared_folder() / "data/wikitext2/wiki.test.raw", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const Ids ids = tokenizer_->encode(text);
  const json& expected = oracle_.at("wiki_test_raw");
  ASSERT_EQ(testing::sha256(text), expected.at("file_sha256"));
  ASSERT_EQ(ids.size(), expected.at("tokens"));
  EXPECT_EQ(Ids(ids.begin(), ids.begin() + 2000), expected.at("first_2000_ids").get<Ids>());
  EXPECT_EQ(digest(ids), expected.at("all_ids_sha256_little_endian_int32"));
  EXPECT_EQ(tokenizer_->decode(ids), text);
}

TEST_F(DefaultModelTokenizer, FollowsTheRulesOfTheFile) {
  const json& expected = oracle_.at("tokenizer");
  EXPECT_EQ(tokenizer_->vocabulary_size(), expected.at("vocab"));
  EXPECT_EQ(tokenizer_->bos_id(), expected.at("bos_id"));
  EXPECT_EQ(tokenizer_->eos_id(), expected.at("eos_id"));
  EXPECT_FALSE(tokenizer_->adds_bos());
  for (std::int32_t id = 0; id <= 16; ++id) EXPECT_TRUE(tokenizer_->is_special(id)) << id;
  EXPECT_FALSE(tokenizer_->is_special(17));
}

TEST_F(DefaultModelTokenizer, LeavesSpecialTokensInTextAloneWhenAsked) {
  const Ids parsed = tokenizer_->encode("<|im_start|>user");
  EXPECT_EQ(parsed.front(), 1);
  const Ids plain = tokenizer_->encode("<|im_start|>user", {.parse_special = false});
  EXPECT_EQ(std::count_if(plain.begin(), plain.end(), [&](auto id) { return tokenizer_->is_special(id); }), 0);
  EXPECT_EQ(tokenizer_->decode(plain), "<|im_start|>user");
  EXPECT_EQ(tokenizer_->decode(parsed, true), "user");
}

}  // namespace
}  // namespace quantscope
