// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/answer_text.h"

#include <gtest/gtest.h>

#include <string>

namespace quantscope {
namespace {

TEST(AnswerText, EndsAtTheFirstNewlineAfterText) {
  EXPECT_FALSE(is_answer_complete(""));
  EXPECT_FALSE(is_answer_complete(" no"));
  EXPECT_FALSE(is_answer_complete("\n\n  \u00a0"));
  EXPECT_FALSE(is_answer_complete("\n white"));
  EXPECT_TRUE(is_answer_complete(" no\n"));
  EXPECT_TRUE(is_answer_complete("\n white\n"));
  EXPECT_FALSE(is_answer_complete(" no\r"));
}

TEST(AnswerText, EndsAtTheNextQuestionEvenWithoutAnAnswer) {
  EXPECT_FALSE(is_answer_complete("\n\nQ"));
  EXPECT_TRUE(is_answer_complete("\n\nQ:"));
  EXPECT_FALSE(is_answer_complete("Q:"));
  EXPECT_EQ(first_answer_line("\n\nQ: Who?"), "");
}

TEST(AnswerText, IsTheFirstLineWithoutWhiteSpaceAtItsEnds) {
  EXPECT_EQ(first_answer_line(" no\n"), "no");
  EXPECT_EQ(first_answer_line("\n  a white cat \n\nQ: x"), "a white cat");
  EXPECT_EQ(first_answer_line("\u3000caf\u00e9\u00a0"), "caf\u00e9");
  EXPECT_EQ(first_answer_line(" \n\t"), "");
  EXPECT_EQ(first_answer_line("A: x\ty"), "A: x\ty");
}

TEST(AnswerText, WhatFollowsACompleteAnswerDoesNotChangeIt) {
  const std::string text = "\n \u2003She said Q: no\nThen\n\nQ: Why?\n\nA: yes";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::string start = text.substr(0, length);
    if (!is_answer_complete(start)) continue;
    EXPECT_EQ(first_answer_line(start), first_answer_line(text)) << length;
  }
}

}  // namespace
}  // namespace quantscope
