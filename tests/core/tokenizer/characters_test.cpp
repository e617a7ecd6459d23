// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/characters.h"

#include <gtest/gtest.h>

#include "core/input/utf8.h"
#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/unicode_normal_form.h"

namespace quantscope {
namespace {

TEST(Characters, KnowWhiteSpaceAsUnicodeDoes) {
  for (const char32_t space : {U' ', U'\t', U'\v', U'\u0085', U'\u00a0', U'\u2028', U'\u3000'}) {
    EXPECT_TRUE(is_white_space(space)) << static_cast<unsigned>(space);
  }
  for (const char32_t other : {U'a', U'\u180e', U'\u200b', U'\ufeff'}) {
    EXPECT_FALSE(is_white_space(other)) << static_cast<unsigned>(other);
  }
}

TEST(Characters, AreFoundFromTheEnd) { EXPECT_EQ(last_character("x\U0001F600"), "\U0001F600"); }

TEST(ByteLevel, SpellsEveryByteAndReadsItBack) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  const std::string text = byte_level_from_bytes(bytes);
  EXPECT_TRUE(is_utf8(text));
  EXPECT_EQ(bytes_from_byte_level(text), bytes);
}

TEST(ByteLevel, SpellsTheSpaceAsGWithDot) {
  EXPECT_EQ(byte_level_from_bytes(" a\n"), "\u0120a\u010a");
  EXPECT_EQ(decoded_piece("\u0120the"), " the");
}

TEST(ByteLevel, LeavesEntriesOfOtherAlphabetsAsTheyStand) {
  EXPECT_EQ(bytes_from_byte_level("two words"), std::nullopt);
  EXPECT_EQ(decoded_piece("<|fim hole|>\u20ac"), "<|fim hole|>\u20ac");
}

TEST(Nfc, ComposesDecomposesAndOrders) {
  EXPECT_EQ(to_nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(to_nfc("\u212b"), "\u00c5");                              // singleton
  EXPECT_EQ(to_nfc("\u0958"), "\u0915\u093c");                        // composition exclusion
  EXPECT_EQ(to_nfc("q\u0307\u0323"), "q\u0323\u0307");                // canonical order
  EXPECT_EQ(to_nfc("\u1112\u1161\u11ab"), "\ud55c");                  // Hangul
  EXPECT_EQ(to_nfc("\ufb01 \u2460 \u2026"), "\ufb01 \u2460 \u2026");  // compatibility forms stay
}

TEST(Nfc, TellsTextThatMayChangeFromTextThatCannot) {
  for (const std::string_view text : {"e\u0301", "\u212b", "q\u0307\u0323", "\u1112\u1161", "\uac00\u11a8"}) {
    EXPECT_TRUE(may_change_under_nfc(text)) << text;
  }
  for (const std::string_view text : {"plain", "caf\u00e9", "\u2013 \u2026 \u4e2d\u6587 \ud55c\uae00", "\U0001F600"}) {
    EXPECT_FALSE(may_change_under_nfc(text)) << text;
    EXPECT_EQ(to_nfc(text), text);
  }
}

TEST(Nfc, AgreesWithItselfForEveryCharacter) {
  for (char32_t character = 0x80; character < 0x30000; ++character) {
    if (character >= 0xD800 && character < 0xE000) continue;
    std::string text;
    if (character >= 0x10000) text.push_back(static_cast<char>(0xF0U | (character >> 18U)));
    if (character >= 0x10000) text.push_back(static_cast<char>(0x80U | ((character >> 12U) & 0x3FU)));
    if (character >= 0x800 && character < 0x10000) text.push_back(static_cast<char>(0xE0U | (character >> 12U)));
    if (character >= 0x800) text.push_back(static_cast<char>(0x80U | ((character >> 6U) & 0x3FU)));
    if (character < 0x800) text.push_back(static_cast<char>(0xC0U | (character >> 6U)));
    text.push_back(static_cast<char>(0x80U | (character & 0x3FU)));
    const std::string normal = to_nfc(text);
    ASSERT_EQ(to_nfc(normal), normal) << static_cast<unsigned>(character);
    ASSERT_TRUE(may_change_under_nfc(text) || normal == text) << static_cast<unsigned>(character);
  }
}

}  // namespace
}  // namespace quantscope
