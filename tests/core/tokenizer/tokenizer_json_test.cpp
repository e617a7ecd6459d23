// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/core/tokenizer/known_tokenizers.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A complete, tiny tokenizer to be changed by each test.
json tiny() {
  return json::parse(R"({
    "added_tokens": [{"id": 4, "content": "<s>", "special": true, "normalized": false},
                     {"id": 5, "content": "</s>", "special": true, "normalized": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": ["a b"]}})");
}

std::shared_ptr<const Tokenizer> built(const json& root) {
  const auto tokenizer = build_json_tokenizer(root, {});
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer.value_or(nullptr);
}

TEST(TokenizerJson, ReadsMergesInBothSpellings) {
  json root = tiny();
  EXPECT_THAT(built(root)->encode("ab ba<s>"), ElementsAre(2, 3, 1, 0, 4));
  root["model"]["merges"] = json::parse(R"([["a", "b"]])");
  EXPECT_THAT(built(root)->encode("ab ba<s>"), ElementsAre(2, 3, 1, 0, 4));
}

TEST(TokenizerJson, PutsTheTemplateAroundTheText) {
  json root = tiny();
  root["post_processor"] = json::parse(R"({"type": "Sequence", "processors": [{"type": "ByteLevel"},
    {"type": "TemplateProcessing",
     "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}],
     "special_tokens": {"<s>": {"ids": [4]}, "</s>": {"ids": [5]}}}]})");
  EXPECT_THAT(built(root)->encode("a"), ElementsAre(4, 0, 5));
  EXPECT_THAT(built(root)->encode("a", {.add_special = false}), ElementsAre(0));
  EXPECT_TRUE(built(root)->adds_bos());
  EXPECT_EQ(built(root)->bos_id(), 4);
}

TEST(TokenizerJson, AddsThePrefixSpaceWhenAsked) {
  json root = tiny();
  root["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_THAT(built(root)->encode("ab"), ElementsAre(3, 2));
  EXPECT_THAT(built(root)->encode(" ab"), ElementsAre(3, 2));
}

TEST(TokenizerJson, LooksForNormalizedTokensInNormalizedText) {
  json root = tiny();
  root["normalizer"] = {{"type", "NFC"}};
  root["added_tokens"].push_back({{"id", 6}, {"content", "e\u0301"}, {"normalized", true}});
  root["added_tokens"].push_back({{"id", 7}, {"content", "o\u0301"}, {"normalized", false}});
  EXPECT_THAT(built(root)->encode("e\u0301\u00e9o\u0301\u00f3"), ElementsAre(6, 6, 7));
}

TEST(TokenizerJson, DecodesBytesToCharactersAndLeavesUnknownIdsOut) {
  const auto tokenizer = built(tiny());
  const std::vector<std::int32_t> ids{-1, 2, 4, 99, 3};
  EXPECT_EQ(tokenizer->decode(ids), "ab<s> ");
  EXPECT_EQ(tokenizer->decode(ids, true), "ab ");
  EXPECT_EQ(tokenizer->piece(2), "ab");
  EXPECT_EQ(tokenizer->piece(99), "");
  EXPECT_EQ(tokenizer->vocabulary_size(), 6);
}

TEST(TokenizerJson, ReadsSpecialNamesInBothSpellings) {
  const auto names = read_special_names(json::parse(R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>"})"));
  const auto tokenizer = build_json_tokenizer(tiny(), names);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->bos_id(), 4);
  EXPECT_EQ((*tokenizer)->eos_id(), 5);
  EXPECT_FALSE((*tokenizer)->adds_bos());
}

struct Change {
  const char* pointer;
  const char* value;
  const char* expected;  ///< part of the sentence
};

class ChangedTokenizerJson : public ::testing::TestWithParam<Change> {};

TEST_P(ChangedTokenizerJson, IsRefusedWithASentence) {
  json root = tiny();
  root[json::json_pointer(GetParam().pointer)] = json::parse(GetParam().value);
  const auto tokenizer = build_json_tokenizer(root, {});
  ASSERT_FALSE(tokenizer);
  EXPECT_THAT(tokenizer.error().message, HasSubstr(GetParam().expected));
  EXPECT_TRUE(tokenizer.error().message.ends_with('.')) << tokenizer.error().message;
}

constexpr Change kChanges[] = {
    {"/model", "null", "model \"(none)\""},
    {"/model/type", "\"Unigram\"", "model \"Unigram\""},
    {"/model/dropout", "0.1", "dropout"},
    {"/model/end_of_word_suffix", "\"</w>\"", "end_of_word_suffix"},
    {"/model/vocab", "[]", "model.vocab"},
    {"/model/vocab/a", "-1", "\"a\""},
    {"/model/vocab/a", "2000000000", "id of 2000000000"},
    {"/model/vocab/a", "1.5", "\"a\""},
    {"/model/merges", "7", "model.merges"},
    {"/model/merges/0", "\"ab\"", "Entry 0 of model.merges"},
    {"/model/merges/0", "[\"a\"]", "Entry 0 of model.merges"},
    {"/model/merges/0", "\"a c\"", "needs the token \"c\""},
    {"/added_tokens/0/id", "\"4\"", "added token \"<s>\""},
    {"/added_tokens", "5", "added token"},
    {"/normalizer", "{\"type\": \"Precompiled\"}", "normalizer \"Precompiled\""},
    {"/normalizer", R"({"type": "Replace", "pattern": {}, "content": ""})", "Replace normalizer lacks its pattern"},
    {"/pre_tokenizer", "{\"type\": \"UnicodeScripts\"}", "pre_tokenizer \"UnicodeScripts\""},
    {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "__"})", "replacement of Metaspace"},
    {"/pre_tokenizer", R"({"type": "Metaspace", "prepend_scheme": "last"})", "prepend_scheme \"last\""},
    {"/pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]})",
     "ByteLevel before another"},
    {"/pre_tokenizer", R"({"type": "Punctuation", "behavior": "Sometimes"})", "Punctuation"},
    {"/pre_tokenizer", R"({"type": "CharDelimiterSplit"})", "split pattern is empty"},
    {"/pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\"}",
     "compiled"},
    {"/pre_tokenizer", "{\"type\": \"Split\", \"behavior\": \"Isolated\"}", "lacks its pattern"},
    {"/post_processor", "{\"type\": \"Padding\"}", "post_processor \"Padding\""},
    {"/post_processor", R"({"type": "BertProcessing", "cls": ["<s>", 4]})", "template"},
    {"/post_processor", "{\"type\": \"TemplateProcessing\"}", "template"},
    {"/post_processor",
     R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}],
         "special_tokens": {"x": {"ids": [6]}}})",
     "template has an id"},
    {"/decoder", "{\"type\": \"CTC\"}", "decoder \"CTC\""},
    {"/decoder", R"({"type": "Strip", "start": 1})", "Strip decoder lacks"},
};
INSTANTIATE_TEST_SUITE_P(Each, ChangedTokenizerJson, ::testing::ValuesIn(kChanges));

TEST(TokenizerJson, RefusesSequencesNestedOutOfAllReason) {
  json nested = json::parse(R"({"type": "ByteLevel"})");
  for (int depth = 0; depth < 100; ++depth) nested = {{"type", "Sequence"}, {"pretokenizers", {nested}}};
  json root = tiny();
  root["pre_tokenizer"] = nested;
  EXPECT_FALSE(build_json_tokenizer(root, {}));
}

class TokenizerFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("tokenizer_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const char* name, std::string_view text) const { std::ofstream(folder_ / name) << text; }

  std::filesystem::path folder_;
};

TEST_F(TokenizerFolder, IsReadWithItsConfig) {
  write("tokenizer.json", tiny().dump());
  write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  const auto tokenizer = Tokenizer::from_json(folder_);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->eos_id(), 5);
}

TEST_F(TokenizerFolder, SaysWhichFileIsMissingCutOrOfAnotherKind) {
  EXPECT_EQ(Tokenizer::from_json(folder_).error().code, ErrorCode::not_found);
  write("tokenizer.model", "");
  EXPECT_EQ(Tokenizer::from_json(folder_).error().code, ErrorCode::unsupported);
  write("tokenizer.json", tiny().dump().substr(0, 200));
  EXPECT_EQ(Tokenizer::from_json(folder_).error().code, ErrorCode::corrupt_file);
  write("tokenizer.json", R"({"model": {"type": "WordPiece"}})");
  EXPECT_THAT(Tokenizer::from_json(folder_).error().message, HasSubstr("tokenizer.json: The "));
}

}  // namespace
}  // namespace quantscope
