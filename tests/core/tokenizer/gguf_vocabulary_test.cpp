// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tokenizer/gguf_vocabulary.h"
#include "core/tokenizer/split_patterns.h"
#include "core/tokenizer/tokenizer.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// A checkpoint that is a config.json with a tokenizer.json beside it.
class GgufVocabularyOf : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    put("config.json", {{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"vocab_size", 16},
                        {"hidden_size", 8},
                        {"intermediate_size", 8},
                        {"num_hidden_layers", 1},
                        {"num_attention_heads", 1},
                        {"num_key_value_heads", 1},
                        {"eos_token_id", 6}});
    tokenizer_ = {
        {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}, {"\u0120", 3}}}, {"merges", {"a b"}}}},
        {"added_tokens",
         {{{"id", 5}, {"content", "<s>"}, {"special", true}},
          {{"id", 6}, {"content", "</s>"}, {"special", true}},
          {{"id", 7}, {"content", "<tool>"}, {"special", false}}}},
        {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
        {"decoder", {{"type", "ByteLevel"}}}};
  }
  void put(const std::string& name, const json& value) const { std::ofstream(folder_ / name) << value.dump(); }
  Result<GgufVocabulary> convert() const {
    put("tokenizer.json", tokenizer_);
    const auto checkpoint = Checkpoint::open(folder_ / "config.json");
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    return gguf_vocabulary(**checkpoint);
  }

  fs::path folder_;
  json tokenizer_;
};

TEST_F(GgufVocabularyOf, ByteLevelBpeHasTokensTypesAndMerges) {
  put("tokenizer_config.json", {{"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}}}, {"chat_template", "hi"}});
  const auto vocabulary = convert();
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_EQ(vocabulary->model, "gpt2");
  EXPECT_EQ(vocabulary->pre, "gpt-2");
  EXPECT_THAT(vocabulary->tokens, ElementsAre("a", "b", "ab", "\u0120", "[PAD4]", "<s>", "</s>", "<tool>"));
  EXPECT_THAT(vocabulary->token_types, ElementsAre(1, 1, 1, 1, 5, 3, 3, 4));
  EXPECT_THAT(vocabulary->merges, ElementsAre("a b"));
  EXPECT_EQ(vocabulary->bos_id, 5);
  EXPECT_EQ(vocabulary->eos_id, 6);
  EXPECT_EQ(vocabulary->add_bos, false);
  EXPECT_EQ(vocabulary->chat_template, "hi");
}

TEST_F(GgufVocabularyOf, MergesMayBePairsAndTemplatesFiles) {
  tokenizer_["model"]["merges"] = json::array({json::array({"a", "b"})});
  tokenizer_["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
      {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {5}}, {"tokens", {"<s>"}}}}}}};
  std::ofstream(folder_ / "chat_template.jinja") << "from a file";
  const auto vocabulary = convert();
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_THAT(vocabulary->merges, ElementsAre("a b"));
  EXPECT_EQ(vocabulary->add_bos, true);
  EXPECT_EQ(vocabulary->bos_id, 5);
  EXPECT_EQ(vocabulary->eos_id, 6) << "from config.json";
  EXPECT_EQ(vocabulary->chat_template, "from a file");
}

TEST_F(GgufVocabularyOf, SplitsAreNamedOnlyWhereTheyAreTheSame) {
  const auto byte_level = json{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const auto split = [&](std::string_view pattern) {
    return json{{"type", "Sequence"},
                {"pretokenizers",
                 {{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}},
                  byte_level}}};
  };
  tokenizer_["pre_tokenizer"] = split(kQwen2Split);
  EXPECT_EQ(convert()->pre, "qwen2");
  tokenizer_["pre_tokenizer"] = split(kLlama3Split);
  EXPECT_FALSE(convert()) << "llama-bpe takes whole words, this tokenizer does not say so";
  tokenizer_["model"]["ignore_merges"] = true;
  EXPECT_EQ(convert()->pre, "llama-bpe");
  tokenizer_["pre_tokenizer"] = split("[a-z]+");
  const auto refused = convert();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("splits words in a way that GGUF has no name for"));
}

TEST_F(GgufVocabularyOf, EncodesLikeTheTokenizerItCameFrom) {
  const auto vocabulary = convert();
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  const auto from_json = Tokenizer::from_json(folder_ / "tokenizer.json");
  const auto from_gguf = Tokenizer::from_gguf(*vocabulary);
  ASSERT_TRUE(from_json && from_gguf);
  for (const std::string text : {"ab", "ab ab<tool>b", "<s>a b</s>", ""})
    EXPECT_EQ((*from_json)->encode(text), (*from_gguf)->encode(text)) << text;
}

/// SentencePiece's way: characters, U+2581 for spaces, bytes for the rest.
class SentencePieceVocabularyOf : public GgufVocabularyOf {
 protected:
  void SetUp() override {
    GgufVocabularyOf::SetUp();
    tokenizer_["model"] = {{"type", "BPE"},
                           {"byte_fallback", true},
                           {"fuse_unk", true},
                           {"unk_token", "<unk>"},
                           {"vocab",
                            {{"<unk>", 0},
                             {"<0x41>", 1},
                             {"a", 2},
                             {"b", 3},
                             {"c", 4},
                             {"bc", 8},
                             {"abc", 9},
                             {"\u2581", 10},
                             {"\u2581a", 11}}},
                           {"merges", {"b c", "\u2581 a", "a bc"}}};
    tokenizer_["pre_tokenizer"] = nullptr;
    tokenizer_["decoder"] = {{"type", "Fuse"}};
    set_normalizer(true);
  }
  void set_normalizer(bool prefix) {
    json steps = json::array({{{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}});
    if (prefix) steps.insert(steps.begin(), json{{"type", "Prepend"}, {"prepend", "\u2581"}});
    tokenizer_["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
  }
};

TEST_F(SentencePieceVocabularyOf, HasScoresInTheOrderOfTheMerges) {
  const auto vocabulary = convert();
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_EQ(vocabulary->model, "llama");
  EXPECT_THAT(vocabulary->token_types, ElementsAre(2, 6, 1, 1, 1, 3, 3, 4, 1, 1, 1, 1));
  EXPECT_THAT(vocabulary->scores, ElementsAre(-3, -3, -3, -3, -3, -3, -3, -3, 0, -2, -3, -1));
  EXPECT_EQ(vocabulary->unknown_id, 0);
  EXPECT_EQ(vocabulary->add_space_prefix, true);
  set_normalizer(false);
  EXPECT_EQ(convert()->add_space_prefix, false);
}

TEST_F(SentencePieceVocabularyOf, RefusesWhatScoresCannotSay) {
  const auto refusal = [this] {
    const auto refused = convert();
    return refused ? std::string() : refused.error().message;
  };
  tokenizer_["model"]["merges"] = {"b c", "\u2581 a", "a bc", "b c"};
  EXPECT_THAT(refusal(), HasSubstr("bc by merges of different rank"));
  tokenizer_["model"]["merges"] = {"b b"};
  EXPECT_THAT(refusal(), HasSubstr("makes no token"));
  tokenizer_["normalizer"] = {{"type", "NFC"}};
  EXPECT_THAT(refusal(), HasSubstr("treats spaces otherwise"));
  tokenizer_["normalizer"] = nullptr;
  tokenizer_["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"split", true}};
  EXPECT_THAT(refusal(), HasSubstr("treats spaces otherwise"));
}

TEST_F(GgufVocabularyOf, MistralGivesTheIdsOfTheLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder();
  tokenizer_ = json::parse(std::ifstream(folder / "data/tokenizers/mistral_7b_v01/tokenizer.json"));
  const auto vocabulary = convert();
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  const auto tokenizer = Tokenizer::from_gguf(*vocabulary);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const json oracle = json::parse(std::ifstream(folder / "reference/tokenizers/mistral_7b_v01.json"));
  ASSERT_EQ(oracle.at("encode").size(), 251U);
  for (const json& example : oracle.at("encode"))
    EXPECT_EQ((*tokenizer)->encode(example.at("text").get<std::string>()),
              example.at("ids_with_special").get<std::vector<std::int32_t>>());
}

TEST_F(GgufVocabularyOf, OthersAreRefused) {
  tokenizer_["model"]["type"] = "Unigram";
  const auto refused = convert();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("is no BPE"));
  tokenizer_["model"]["type"] = "BPE";
  tokenizer_["model"]["vocab"]["a"] = 2000000000;
  EXPECT_FALSE(convert());
}

}  // namespace
}  // namespace quantscope
