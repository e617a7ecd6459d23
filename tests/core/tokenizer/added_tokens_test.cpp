// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quantscope {
namespace {

using ::testing::ElementsAre;

/// Sections as text, those that are tokens as "id:text".
std::vector<std::string> sections(std::vector<AddedToken> tokens, std::string_view text, bool parse_special = true) {
  std::vector<std::string> written;
  for (const TextSection& section : AddedTokenMatcher(std::move(tokens)).split(text, parse_special)) {
    written.push_back((section.id ? std::to_string(*section.id) + ":" : "") + std::string(section.text));
  }
  return written;
}

TEST(AddedTokens, FindsTheLeftmostAndThereTheLongest) {
  const std::vector<AddedToken> tokens{
      {.id = 1, .content = "<a>"}, {.id = 2, .content = "<a>b"}, {.id = 3, .content = "b<"}};
  EXPECT_THAT(sections(tokens, "x<a>bb<a>"), ElementsAre("x", "2:<a>b", "3:b<", "a>"));
  EXPECT_THAT(sections(tokens, "<<a><a>"), ElementsAre("<", "1:<a>", "1:<a>"));
}

TEST(AddedTokens, LeavesSpecialOnesAsTextWhenAsked) {
  const std::vector<AddedToken> tokens{{.id = 1, .content = "<s>", .special = true}, {.id = 2, .content = "<t>"}};
  EXPECT_THAT(sections(tokens, "<s>x<t>", false), ElementsAre("<s>x", "2:<t>"));
}

TEST(AddedTokens, TakesWhiteSpaceAlongWhenAsked) {
  const std::vector<AddedToken> left{{.id = 1, .content = "<m>", .lstrip = true}};
  EXPECT_THAT(sections(left, "a \u3000<m> <m> b"), ElementsAre("a", "1: \u3000<m>", "1: <m>", " b"));
  const std::vector<AddedToken> right{{.id = 1, .content = "<m>", .rstrip = true}};
  EXPECT_THAT(sections(right, "a <m> \u00a0 b"), ElementsAre("a ", "1:<m> \u00a0 ", "b"));
}

TEST(AddedTokens, SkipsPartsOfWordsWhenAsked) {
  const std::vector<AddedToken> tokens{{.id = 1, .content = "re", .single_word = true}};
  EXPECT_THAT(sections(tokens, "re-do more \u00e9re re"), ElementsAre("1:re", "-do more \u00e9re ", "1:re"));
}

TEST(AddedTokens, GivesNothingForNothing) {
  EXPECT_THAT(sections({{.id = 1, .content = "x"}}, ""), ElementsAre());
  EXPECT_THAT(sections({{.id = 1, .content = ""}}, "ab"), ElementsAre("ab"));
}

}  // namespace
}  // namespace quantscope
