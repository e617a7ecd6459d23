// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "core/input/utf8.h"
#include "core/tokenizer/unicode_normal_form.h"
#include "tests/core/tokenizer/known_tokenizers.h"

namespace quantscope {
namespace {

/// Text of characters of every UTF-8 length, with blanks, digits and pieces of special tokens more often than chance.
std::string random_text(std::mt19937& random, std::size_t parts) {
  constexpr std::string_view common[] = {" ",  "  ",  "\n",     "1",      "'s",    "<|im_start|>",
                                         "<|", "the", "\u00e9", "\u0301", "\u4e2d"};
  std::string bytes;
  for (std::size_t i = 0; i < parts; ++i) {
    if (random() % 2 == 0) {
      bytes += common[random() % std::size(common)];
    } else {
      for (std::size_t n = random() % 6; n > 0; --n) bytes.push_back(static_cast<char>(random()));
    }
  }
  return bytes;
}

/// What the tokenizer can say of a text: SmolLM's vocabulary lacks some control characters, which are dropped as
/// Hugging Face tokenizers drop them.
std::string sayable(const Tokenizer& tokenizer, std::string text) {
  std::array<bool, 256> known{};
  for (std::int32_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const std::string piece = tokenizer.piece(id);
    if (piece.size() == 1) known[static_cast<unsigned char>(piece[0])] = true;
  }
  std::erase_if(text, [&](char byte) { return !known[static_cast<unsigned char>(byte)]; });
  return replace_invalid_utf8(text);
}

class TokenizerProperty : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { QUANTSCOPE_REQUIRE_SHARED(); }
};

TEST_P(TokenizerProperty, DecodingGivesTheRepairedTextBack) {
  const Tokenizer& tokenizer = testing::known_tokenizer(GetParam());
  const bool normalizes = GetParam() == std::string_view("qwen2_5");
  std::mt19937 random(7);
  for (std::size_t round = 0; round < 400; ++round) {
    const std::string bytes = random_text(random, 1 + round % 60);
    const std::string repaired = replace_invalid_utf8(bytes);
    const auto ids = tokenizer.encode(bytes, {.add_special = false, .parse_special = round % 2 == 0});
    EXPECT_EQ(tokenizer.decode(ids), sayable(tokenizer, normalizes ? to_nfc(repaired) : repaired));
    EXPECT_EQ(tokenizer.encode(repaired, {.add_special = false, .parse_special = round % 2 == 0}), ids);
  }
}

/// A megabyte each: with merging that is quadratic in the length of a word this would take hours.
TEST_P(TokenizerProperty, HostileTextsComeBackWhole) {
  const Tokenizer& tokenizer = testing::known_tokenizer(GetParam());
  constexpr std::size_t size = 1U << 20U;
  std::mt19937 random(11);
  std::string letters(size, ' '), marks;
  for (char& letter : letters) letter = static_cast<char>('a' + random() % 26);
  for (std::size_t i = 0; i < size / 8; ++i) marks += "\u0323";
  std::string prefixes, emoji;
  while (emoji.size() < size) emoji += "\U0001F600";
  while (prefixes.size() < size) prefixes += "<|im_star";
  for (const std::string& text : {std::string(size, 'a'), std::string(size, ' '), std::string(size, '\n') + "x",
                                  std::string(size, '<'), letters, marks, prefixes, emoji}) {
    EXPECT_TRUE(tokenizer.decode(tokenizer.encode(text, {.add_special = false})) == text) << text.substr(0, 20);
  }
}

TEST_P(TokenizerProperty, AMegabyteOfRandomBytesComesBackRepaired) {
  const Tokenizer& tokenizer = testing::known_tokenizer(GetParam());
  std::mt19937 random(13);
  std::string bytes(1U << 20U, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  const std::string repaired = replace_invalid_utf8(bytes);
  const bool normalizes = GetParam() == std::string_view("qwen2_5");
  EXPECT_TRUE(tokenizer.decode(tokenizer.encode(bytes, {.add_special = false})) ==
              sayable(tokenizer, normalizes ? to_nfc(repaired) : repaired));
}

INSTANTIATE_TEST_SUITE_P(Published, TokenizerProperty,
                         ::testing::Values("llama3_2", "qwen2_5", "smollm_135m", "mistral_7b_v01"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(Nfc, SortsAMillionMarksWithoutComparingEachWithEach) {
  std::string marks = "q";
  for (int i = 0; i < 250'000; ++i) marks += "\u0307";
  for (int i = 0; i < 250'000; ++i) marks += "\u0323";
  const std::string normal = to_nfc(marks);
  EXPECT_EQ(normal.size(), marks.size());
  EXPECT_EQ(normal.substr(0, 5), "q\u0323\u0323");
}

}  // namespace
}  // namespace quantscope
