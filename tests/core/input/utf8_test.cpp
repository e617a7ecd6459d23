// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace quantscope {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string replacements(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += kReplacement;
  return text;
}

TEST(Utf8, ReplacesEachMaximalInvalidPartOnce) {
  // Table 3-8 to 3-11 of the Unicode Standard 15.0.
  EXPECT_EQ(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), replacements(8) + "A");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), replacements(8) + "A");
  EXPECT_EQ(replace_invalid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            replacements(5) + "A" + replacements(2) + "B");
  EXPECT_EQ(replace_invalid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), replacements(4) + "A");
}

TEST(Utf8, ReplacesACharacterCutOffAtTheEndOnce) {
  EXPECT_EQ(replace_invalid_utf8("ab\xF0\x9F\x91"), "ab" + replacements(1));
  EXPECT_EQ(replace_invalid_utf8("ab\xE2"), "ab" + replacements(1));
}

TEST(Utf8, LeavesValidTextAlone) {
  const std::string text =
      "plain ASCII that is longer than a word, \u00e9, \u20ac, \U0010FFFF, \xED\x9F\xBF and \xEE\x80\x80";
  EXPECT_EQ(valid_utf8_prefix(text), text.size());
  EXPECT_EQ(replace_invalid_utf8(text), text);
}

TEST(Utf8, FindsTheFirstInvalidByteBehindAscii) {
  EXPECT_EQ(valid_utf8_prefix("0123456789\xFFrest"), 10U);
  EXPECT_EQ(valid_utf8_prefix(std::string("\0\0\0\0\0\0\0\0\0\x80", 10)), 9U);
}

TEST(Utf8, ReadsCodePointsOfEveryLength) {
  EXPECT_EQ(code_point("A"), U'A');
  EXPECT_EQ(code_point("\u00e9"), U'\u00e9');
  EXPECT_EQ(code_point("\u20ac"), U'\u20ac');
  EXPECT_EQ(code_point("\U0001F600"), U'\U0001F600');
}

TEST(Utf8, CountsTheBytesThatBelongToNoCharacter) {
  const auto bad = *find_invalid_utf8("ab\xFFz\xE2\x82 \xF0\x9F\x91");
  EXPECT_EQ(bad.first, 2U);
  EXPECT_EQ(bad.bytes, 6U);
  for (const char* text : {"", "plain", "caf\u00e9 \U0001F600"}) EXPECT_EQ(find_invalid_utf8(text)->bytes, 0U) << text;
}

/// A piece may end anywhere in a character.
TEST(Utf8, OfManyBytesIsReadInPiecesThatCutCharacters) {
  const std::string characters = "\u00e9\u20ac\U0001F600";  // 2, 3 and 4 bytes
  for (std::size_t shift = 0; shift < characters.size(); ++shift) {
    std::string text(shift, 'x');
    while (text.size() < (std::size_t{3} << 20U)) text += characters;
    EXPECT_EQ(*valid_utf8_prefix(text, {}), text.size());
    EXPECT_EQ(find_invalid_utf8(text)->bytes, 0U);
    text.pop_back();
    EXPECT_EQ(*valid_utf8_prefix(text, {}), text.size() - 3);
    EXPECT_EQ(find_invalid_utf8(text)->first, text.size() - 3);
    EXPECT_EQ(find_invalid_utf8(text)->bytes, 3U);
  }
}

TEST(Utf8, IsFoundTheSameWayByEveryFunction) {
  std::mt19937 random(1);
  const std::string bytes = "a\x7F\x80\xBF\xC0\xC2\xE0\xA0\xED\x9F\xEF\xF0\x90\xF4\x8F\xF5\xFF";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += bytes[random() % bytes.size()];
    const auto bad = *find_invalid_utf8(text);
    EXPECT_EQ(is_utf8(text), bad.bytes == 0);
    EXPECT_EQ(*valid_utf8_prefix(text, {}), valid_utf8_prefix(text));
    if (bad.bytes > 0) {
      EXPECT_EQ(bad.first, valid_utf8_prefix(text));
    }
    const std::string repaired = replace_invalid_utf8(text);
    EXPECT_TRUE(is_utf8(repaired));
    EXPECT_EQ(repaired == text, bad.bytes == 0);
  }
}

TEST(Utf8, OfManyBytesAnswersAStop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(valid_utf8_prefix("text", stop.get_token()).error().code, ErrorCode::cancelled);
  EXPECT_EQ(find_invalid_utf8("text", stop.get_token()).error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace quantscope
