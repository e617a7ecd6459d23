// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/core/tokenizer/known_tokenizers.h"

namespace quantscope {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

json read_json(const std::filesystem::path& path) { return json::parse(std::ifstream(path)); }

/// Published tokenizers, against what Hugging Face tokenizers 0.23.3 gives for the same files.
class TokenizerOracle : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    QUANTSCOPE_REQUIRE_SHARED();
    tokenizer_ = &testing::known_tokenizer(GetParam());
    oracle_ = read_json(testing::shared_folder() / "reference/tokenizers" / (std::string(GetParam()) + ".json"));
    ASSERT_GE(oracle_.at("encode").size(), 251U);
  }

  const Tokenizer* tokenizer_ = nullptr;
  json oracle_;
};

TEST_P(TokenizerOracle, EncodesEveryStringExactly) {
  for (const json& example : oracle_.at("encode")) {
    const std::string text = example.at("text");
    EXPECT_EQ(tokenizer_->encode(text, {.add_special = false}), example.at("ids").get<Ids>()) << text;
    EXPECT_EQ(tokenizer_->encode(text), example.at("ids_with_special").get<Ids>()) << text;
  }
}

TEST_P(TokenizerOracle, DecodesEveryEncodedStringExactly) {
  for (const json& example : oracle_.at("encode")) {
    const Ids ids = example.at("ids");
    const std::string decoded = example.at("decoded");
    EXPECT_EQ(tokenizer_->decode(ids), decoded);
    EXPECT_EQ(tokenizer_->decode(ids, true), example.value("decoded_skip_special", decoded));
  }
}

TEST_P(TokenizerOracle, DecodesIdsThatCutCharactersApartExactly) {
  ASSERT_GE(oracle_.at("decode").size(), 80U);
  for (const json& example : oracle_.at("decode")) {
    const Ids ids = example.at("ids");
    const std::string decoded = example.at("decoded");
    EXPECT_EQ(tokenizer_->decode(ids), decoded);
    EXPECT_EQ(tokenizer_->decode(ids, true), example.value("decoded_skip_special", decoded));
  }
}

TEST_P(TokenizerOracle, KnowsItsVocabularyAndBosRule) {
  const json expected = read_json(testing::shared_folder() / "reference/tokenizers/manifest.json").at("results");
  EXPECT_EQ(tokenizer_->vocabulary_size(), expected.at(GetParam()).at("vocabulary_with_added"));
  EXPECT_EQ(tokenizer_->adds_bos(), expected.at(GetParam()).at("bos_added"));
  ASSERT_TRUE(tokenizer_->eos_id());
  EXPECT_TRUE(tokenizer_->is_special(*tokenizer_->eos_id()));
}

INSTANTIATE_TEST_SUITE_P(Published, TokenizerOracle,
                         ::testing::Values("llama3_2", "qwen2_5", "smollm_135m", "mistral_7b_v01"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace quantscope
