// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tokenizer/gguf_vocabulary.h"
#include "core/tokenizer/split_patterns.h"
#include "core/tokenizer/tokenizer.h"

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

TEST_F(GgufVocabularyOf, OthersAreRefused) {
  tokenizer_["model"]["byte_fallback"] = true;
  const auto refused = convert();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no byte-level BPE"));
  tokenizer_["model"]["byte_fallback"] = false;
  tokenizer_["model"]["vocab"]["a"] = 2000000000;
  EXPECT_FALSE(convert());
}

}  // namespace
}  // namespace quantscope
