// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/tokenizer/tokenizer.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

/// Values of tokenizer.ggml.token_type.
enum : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

json read_json(const std::filesystem::path& path) { return json::parse(std::ifstream(path)); }

std::shared_ptr<const Tokenizer> built(const GgufVocabulary& vocabulary) {
  const auto tokenizer = Tokenizer::from_gguf(vocabulary);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer.value_or(nullptr);
}

/// A vocabulary without scores; the first three tokens are unknown, BOS and EOS.
GgufVocabulary plain_vocabulary(std::vector<std::string> tokens) {
  GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  for (const std::string& token : tokens) {
    const std::size_t id = vocabulary.token_types.size();
    const bool is_byte = token.size() == 6 && token.starts_with("<0x");
    vocabulary.token_types.push_back(id == 0 ? kUnknown : id < 3 ? kControl : is_byte ? kByte : kNormal);
  }
  vocabulary.tokens = std::move(tokens);
  return vocabulary;
}

/// The published tokenizer.json as a GGUF file would have it. Its merges are sorted by the score of what they make.
GgufVocabulary vocabulary_of(const json& root) {
  std::vector<std::string> tokens(root.at("model").at("vocab").size());
  std::map<std::string, std::size_t> ids;
  for (const auto& [token, id] : root.at("model").at("vocab").items()) {
    tokens.at(id.get<std::size_t>()) = token;
    ids.emplace(token, id.get<std::size_t>());
  }
  GgufVocabulary vocabulary = plain_vocabulary(std::move(tokens));
  vocabulary.scores.assign(vocabulary.tokens.size(), -std::numeric_limits<float>::infinity());
  float score = 0;
  for (const std::string merge : root.at("model").at("merges")) {
    std::string joined = merge;
    joined.erase(joined.find(' '), 1);
    float& known = vocabulary.scores.at(ids.at(joined));
    if (known < -1e30F) known = score;
    score -= 1;
  }
  return vocabulary;
}

class MistralAsGguf : public ::testing::Test {
 protected:
  void SetUp() override {
    QUANTSCOPE_REQUIRE_SHARED();
    const auto folder = testing::shared_folder();
    tokenizer_ = built(vocabulary_of(read_json(folder / "data/tokenizers/mistral_7b_v01/tokenizer.json")));
    oracle_ = read_json(folder / "reference/tokenizers/mistral_7b_v01.json");
    ASSERT_TRUE(tokenizer_);
    ASSERT_EQ(oracle_.at("encode").size(), 251U);
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  json oracle_;
};

TEST_F(MistralAsGguf, GivesTheIdsOfItsTokenizerJson) {
  for (const json& example : oracle_.at("encode")) {
    const std::string text = example.at("text"), decoded = example.at("decoded");
    EXPECT_EQ(tokenizer_->encode(text, {.add_special = false}), example.at("ids").get<Ids>()) << text;
    EXPECT_EQ(tokenizer_->encode(text), example.at("ids_with_special").get<Ids>()) << text;
    EXPECT_EQ(tokenizer_->decode(example.at("ids").get<Ids>()), decoded);
  }
}

TEST_F(MistralAsGguf, GivesTheTextsOfItsTokenizerJson) {
  for (const json& example : oracle_.at("decode")) {
    EXPECT_EQ(tokenizer_->decode(example.at("ids").get<Ids>()), example.at("decoded"));
  }
}

/// The pieces and scores of llama2.c's tok512.bin (see tests/data/tokenizers/make_sentencepiece.py).
GgufVocabulary tok512(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> tokens;
  std::vector<float> scores;
  for (std::size_t at = 4; at < bytes.size();) {
    std::int32_t length = 0;
    std::memcpy(&scores.emplace_back(), &bytes.at(at), 4);
    std::memcpy(&length, &bytes.at(at + 4), 4);
    std::string token = bytes.substr(at + 8, static_cast<std::size_t>(length));
    for (std::size_t space = token.find(' '); tokens.size() >= 259 && space != std::string::npos;
         space = token.find(' ')) {
      token.replace(space, 1, "\u2581");
    }
    tokens.push_back(tokens.size() == 1 ? "<s>" : tokens.size() == 2 ? "</s>" : token);
    at += 8 + static_cast<std::size_t>(length);
  }
  GgufVocabulary vocabulary = plain_vocabulary(std::move(tokens));
  vocabulary.scores = std::move(scores);
  return vocabulary;
}

TEST(GgufSentencePiece, AgreesWithTheSentencePieceLibrary) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto tokenizer = built(tok512(testing::shared_folder() / "data/stories260K/tok512.bin"));
  ASSERT_EQ(tokenizer->vocabulary_size(), 512);
  const json expected = read_json(testing::source_folder() / "tests/data/tokenizers/sentencepiece.json");
  for (const json& example : expected.at("cases")) {
    const std::string text = example.at("text");
    EXPECT_EQ(tokenizer->encode(text, {.add_special = false}), example.at("ids").get<Ids>()) << text;
    EXPECT_EQ(tokenizer->decode(example.at("ids").get<Ids>()), example.at("decoded"));
  }
}

TEST(GgufSentencePiece, MergesTheLeftmostAmongEqualScores) {
  const auto tokenizer = built(plain_vocabulary({"<unk>", "<s>", "</s>", "a", "aa", "\u2581"}));
  EXPECT_THAT(tokenizer->encode("aaa", {.add_special = false}), ElementsAre(5, 4, 3));
}

TEST(GgufSentencePiece, PutsASpaceBeforeTheTextUnlessTold) {
  GgufVocabulary vocabulary = plain_vocabulary({"<unk>", "<s>", "</s>", "a", "\u2581", "\u2581a"});
  EXPECT_THAT(built(vocabulary)->encode("a<s>a a"), ElementsAre(1, 5, 1, 5, 5));
  EXPECT_EQ(built(vocabulary)->decode(Ids{5, 5}), "a a");
  vocabulary.add_space_prefix = false;
  vocabulary.add_bos = false;
  vocabulary.add_eos = true;
  EXPECT_THAT(built(vocabulary)->encode("a<s>a a"), ElementsAre(3, 1, 3, 5, 2));
  EXPECT_EQ(built(vocabulary)->decode(Ids{5, 5}), " a a");
}

TEST(GgufSentencePiece, FallsBackToBytesAndThenToTheUnknownToken) {
  const auto tokenizer = built(plain_vocabulary({"<unk>", "<s>", "</s>", "\u2581", "<0xC3>", "<0xA9>"}));
  EXPECT_THAT(tokenizer->encode("\u00e9xy", {.add_special = false}), ElementsAre(3, 4, 5, 0));
  EXPECT_EQ(tokenizer->piece(4), "\xC3");
  EXPECT_EQ(tokenizer->piece(3), " ");
}

TEST(GgufSentencePiece, RefusesWhatItCannotFollow) {
  const auto refusal = [](auto change) {
    GgufVocabulary vocabulary = plain_vocabulary({"<unk>", "<s>", "</s>", "a"});
    change(vocabulary);
    const auto tokenizer = Tokenizer::from_gguf(vocabulary);
    return tokenizer ? std::string() : tokenizer.error().message;
  };
  EXPECT_THAT(refusal([](GgufVocabulary& v) { v.remove_extra_whitespaces = true; }), HasSubstr("white space"));
  EXPECT_THAT(refusal([](GgufVocabulary& v) { v.scores = {0, 0, 0, std::nanf("")}; }), HasSubstr("score of token 3"));
  EXPECT_THAT(refusal([](GgufVocabulary& v) { v.scores = {0}; }), HasSubstr("1 scores"));
  EXPECT_THAT(refusal([](GgufVocabulary& v) { v.tokens[3].assign(70000, 'a'); }), HasSubstr("too long"));
  EXPECT_THAT(refusal([](GgufVocabulary& v) { v.unknown_id = 4; }), HasSubstr("unknown id"));
  EXPECT_THAT(refusal([](GgufVocabulary& v) { v.model = "bert"; }), HasSubstr("\"bert\""));
}

}  // namespace
}  // namespace quantscope
