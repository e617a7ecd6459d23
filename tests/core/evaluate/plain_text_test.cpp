// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/plain_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace quantscope {
namespace {

using ::testing::HasSubstr;

TEST(PlainText, IsTheBytesWithoutAByteOrderMark) {
  EXPECT_EQ(*plain_text("Caf\u00E9 \u2028\r\n", "x"), "Caf\u00E9 \u2028\r\n");
  EXPECT_EQ(*plain_text("\xEF\xBB\xBFText", "x"), "Text");
  EXPECT_EQ(*plain_text("\xEF\xBB\xBF\xEF\xBB\xBFText", "x"), "\uFEFFText") << "only the first is a mark";
}

TEST(PlainText, RefusesWhatIsNotUtf8WithPlaceAndNumber) {
  const auto text = plain_text("Caf\u00E9 \xFF\xFE and \xE2\x82 twice", "x.txt");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::corrupt_file);
  EXPECT_THAT(text.error().message, HasSubstr("'x.txt' is not UTF-8 text"));
  EXPECT_THAT(text.error().message, HasSubstr("(4 bytes, the first at byte 6)"));
  for (const char* bytes : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "cut \xE2\x82", "\x80"})
    EXPECT_FALSE(plain_text(bytes, "x.txt")) << bytes;
}

TEST(PlainText, RefusesZeroBytes) {
  const auto text = plain_text(std::string("ab\0\0c\0", 6), "x.txt");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message,
            "'x.txt' is no text: it has zero bytes (3 bytes, the first at byte 2); choose a text file.");
}

TEST(PlainText, RefusesWhatIsEmpty) {
  for (const char* bytes : {"", "\xEF\xBB\xBF"}) EXPECT_FALSE(plain_text(bytes, "x.txt"));
}

TEST(PlainText, AnswersAStop) {
  std::stop_source stop;
  stop.request_stop();
  const auto text = plain_text("Text", "x.txt", stop.get_token());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace quantscope
