// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/evaluate/answer_text.h"
#include "core/evaluate/dataset.h"
#include "core/evaluate/qa_prompt.h"

namespace quantscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ParseRecords, QuestionsOfOneContextAreOneStoryWithoutHistory) {
  const auto dataset = parse_records(
      R"({"id": "a", "context": "Cats purr.", "question": "Who?", "answers": ["cats", "a cat"], "source": "pets"}
{"id": 7, "context": "Cats purr.", "question": "What?", "answer": "purr"}

{"context": "Dogs bark.", "question": "Who?", "answers": "dogs"}
{"question": "Why?", "answers": ["because"]}
)",
      "mine.jsonl");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 3U);
  EXPECT_EQ(dataset->stories[0].id, "a");
  EXPECT_EQ(dataset->stories[0].source, "pets");
  EXPECT_EQ(dataset->stories[1].id, "record 3");
  ASSERT_EQ(dataset->stories[0].questions.size(), 2U);
  EXPECT_THAT(dataset->stories[0].questions[0].references, ElementsAre("cats", "a cat"));
  EXPECT_EQ(qa_prompt(*dataset, {0, 1}), "Cats purr.\n\nQ: What?\n\nA:");
  EXPECT_EQ(qa_prompt(*dataset, {2, 0}), "Q: Why?\n\nA:");
  EXPECT_EQ(prompt_name(dataset->prompt), "question-1");
}

TEST(ParseRecords, ACompletionIsAskedForAsItStands) {
  const auto dataset = parse_records(
      "[{\"prompt\": \"One, two,\", \"completion\": \" three\"},"
      " {\"prompt\": \"One, two,\", \"completion\": [\"three\", \"3\"]}]",
      "mine.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 2U);
  EXPECT_EQ(qa_prompt(*dataset, {1, 0}), "One, two,");
  EXPECT_THAT(dataset->stories[1].questions[0].references, ElementsAre("three", "3"));
  EXPECT_EQ(prompt_name(dataset->prompt), "completion-1");
}

TEST(ParseRecords, CountsAndNamesRecordsWithoutAnAnswer) {
  std::string bytes = R"({"question": "Who?", "answer": "me"})";
  for (int i = 0; i < 7; ++i) bytes += "\n{\"question\": \"Who?\", \"answers\": []}";
  const auto dataset = parse_records(bytes, "mine.jsonl");
  ASSERT_TRUE(dataset) << dataset.error().message;
  EXPECT_THAT(dataset->notes(),
              ElementsAre("7 questions were left out, they have no answer: record 2, record 3, record "
                          "4, record 5, record 6, ...."));
}

TEST(ParseRecords, CountsAndNamesWhatIsBlank) {
  const auto dataset = parse_records(
      R"([{"id": "a", "question": "Who?", "answers": ["me", "", " "]}, {"id": "b", "question": "Who?", "answers": [""]},
          {"id": "c", "question": " ", "answer": "me"}, {"id": "d", "question": "Who?", "answer": "\n"}])",
      "mine.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 1U);
  EXPECT_THAT(dataset->stories[0].questions.at(0).references, ElementsAre("me"));
  EXPECT_THAT(dataset->notes(),
              ElementsAre("2 questions were left out, they have no answer: b, d.",
                          "1 question was left out, they ask nothing: c.",
                          "2 blank answers were left out, others of the same question remain: a, a."));
}

TEST(ParseRecords, LeavesBlankPromptsAndCompletionsOut) {
  const auto dataset = parse_records(
      "[{\"prompt\": \" \", \"completion\": \"x\"}, {\"prompt\": \"One\", \"completion\": \" \"},"
      " {\"prompt\": \"One,\", \"completion\": \" two\"}]",
      "mine.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 1U);
  EXPECT_THAT(dataset->notes(),
              ElementsAre(HasSubstr("they have no answer: record 2"), HasSubstr("they ask nothing: record 1")));
}

struct Damage {
  const char* name;
  const char* bytes;
  const char* message;
};

class DamagedRecords : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedRecords, FailsNamingTheRecord) {
  const auto dataset = parse_records(GetParam().bytes, "mine.jsonl");
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().code, ErrorCode::corrupt_file);
  EXPECT_THAT(dataset.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    EachField, DamagedRecords,
    ::testing::Values(
        Damage{"Empty", "[]", "the file has no record with an answer"},
        Damage{"Number", "[5]", "record 1, the record must be an object and is a number"},
        Damage{"NothingAnswered", R"({"question": "Who?"})", "the file has no record with an answer"},
        Damage{"NoQuestion", R"([{"context": "x", "answer": "y"}])", "record 1, question is missing"},
        Damage{"Mixed", R"([{"question": "a", "answer": "y"}, {"prompt": "x", "completion": "z"}])",
               "record 2, the record has a prompt where the first has a question"},
        Damage{"IdTwice",
               R"([{"id": "k", "question": "a", "answer": "y"}, {"id": "k", "question": "b", "answer": "y"}])",
               "record 2, id 'k' is used twice"},
        Damage{"IdIsAList", R"([{"id": [], "question": "a", "answer": "y"}])", "id must be text or a whole number"},
        Damage{"AnswerIsANumber", R"([{"question": "a", "answers": [1]}])", "answers[0] must be text and is a number"},
        Damage{"PromptIsNull", R"([{"prompt": null, "completion": "y"}])", "record 1, prompt must be text and is null"},
        Damage{"BrokenLine", "{\"question\": \"a\", \"answer\": \"b\"}\n{\"question\"", "line 2 is not JSON"}),
    [](const auto& damage) { return damage.param.name; });

TEST(AnswerEnd, NewlineEndsAnAnswerWhereverItStands) {
  EXPECT_TRUE(is_answer_complete("\n", AnswerEnd::newline));
  EXPECT_EQ(first_answer_line("\nRhine", AnswerEnd::newline), "");
  EXPECT_FALSE(is_answer_complete("\n", AnswerEnd::first_line));
  EXPECT_EQ(first_answer_line("\nRhine\n", AnswerEnd::first_line), "Rhine");
  EXPECT_EQ(first_answer_line(" Rhine\nMain", AnswerEnd::newline), "Rhine");
}

}  // namespace
}  // namespace quantscope
