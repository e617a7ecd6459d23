// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "core/evaluate/dataset.h"
#include "core/evaluate/qa_prompt.h"
#include "core/evaluate/scorers.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json question(const char* id, std::vector<const char*> answers, bool impossible = false) {
  json list = json::array();
  for (const char* text : answers) list.push_back({{"text", text}, {"answer_start", 0}});
  return {
      {"id", id}, {"question", std::string("What is ") + id + "?"}, {"answers", list}, {"is_impossible", impossible}};
}

/// Version 2.0: an article of two paragraphs and one of a single paragraph; q3 has no answer, q5 none either but is not
/// marked.
json valid_file() {
  const json rivers = {{"title", "Rivers"},
                       {"paragraphs",
                        {{{"context", "The Rhine flows north."},
                          {"qas", {question("q1", {"Rhine", "The Rhine"}), question("q2", {"north"})}}},
                         {{"context", "The Po is short."}, {"qas", {question("q3", {}, true)}}}}}};
  const json cats = {
      {"title", "Cats"},
      {"paragraphs", {{{"context", "Cats purr."}, {"qas", {question("q4", {"purr"}), question("q5", {})}}}}}};
  return {{"version", "v2.0"}, {"data", {rivers, cats}}};
}

TEST(ParseSquad, ReadsTheOfficialLayout) {
  const auto dataset = parse_squad(valid_file().dump(), "dev-v2.0.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 3U);
  EXPECT_EQ(dataset->stories[0].id, "Rivers#0");
  EXPECT_EQ(dataset->stories[1].id, "Rivers#1");
  EXPECT_THAT(dataset->stories[0].questions[0].references, ElementsAre("Rhine", "The Rhine"));
  EXPECT_THAT(dataset->stories[1].questions[0].references, ElementsAre(""));
  EXPECT_EQ(dataset->prompt, QaPrompt::squad);
  EXPECT_EQ(qa_prompt(*dataset, {0, 1}),
            "Title: Rivers\n\nBackground: The Rhine flows north.\n\nQuestion: What is q2?\n\nAnswer:");
}

TEST(ParseSquad, CountsAndNamesWhatItLeavesOut) {
  const auto dataset = parse_squad(valid_file().dump(), "dev-v2.0.json");
  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->stories[2].questions.size(), 1U);
  EXPECT_THAT(dataset->notes(),
              ElementsAre(HasSubstr("1 question was left out, they have no answers and are not marked "
                                    "is_impossible: q5.")));
}

TEST(ParseSquad, AnEmptyPredictionIsRightWhereThereIsNoAnswer) {
  const std::vector<std::string> none = {""};
  EXPECT_EQ(score_answer("", none, Scorer::max).em, 1.0);
  EXPECT_EQ(score_answer("the", none, Scorer::max).f1, 1.0);  // nothing is left of an article
  EXPECT_EQ(score_answer("unanswerable", none, Scorer::max).f1, 0.0);
}

TEST(ParseSquad, ReadsRowsAsAListAndAsLines) {
  const json first = {{"id", "a"},
                      {"title", "Cats"},
                      {"context", "Cats purr."},
                      {"question", "Who?"},
                      {"answers", {{"text", {"Cats", "cats"}}, {"answer_start", {0, 0}}}}};
  json second = first;
  second["id"] = "b";
  second["answers"] = {{"text", json::array()}, {"answer_start", json::array()}};
  json third = second;
  third["id"] = "c";
  third["context"] = "Cats sleep.";
  for (const std::string& bytes :
       {json::array({first, second, third}).dump(), first.dump() + "\n" + second.dump() + "\n" + third.dump() + "\n"}) {
    const auto dataset = parse_squad(bytes, "rows");
    ASSERT_TRUE(dataset) << dataset.error().message;
    ASSERT_EQ(dataset->stories.size(), 2U);
    EXPECT_EQ(dataset->stories[0].questions.size(), 2U);
    EXPECT_THAT(dataset->stories[0].questions[1].references, ElementsAre(""));
    EXPECT_EQ(dataset->stories[1].id, "Cats#1");
  }
}

struct Damage {
  const char* name;
  std::function<void(json&)> apply;
  const char* message;
};

class DamagedSquad : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedSquad, FailsNamingThePlace) {
  json file = valid_file();
  GetParam().apply(file);
  const auto dataset = parse_squad(file.dump(), "dev.json");
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().code, ErrorCode::corrupt_file);
  EXPECT_THAT(dataset.error().message, HasSubstr("'dev.json' does not follow the layout of SQuAD"));
  EXPECT_THAT(dataset.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    EachField, DamagedSquad,
    ::testing::Values(
        Damage{"RootIsANumber", [](json& f) { f = 3; }, "data must be a list of articles"},
        Damage{"RowIsANumber", [](json& f) { f = json::array({3}); }, "row 1, context is missing"},
        Damage{"NoArticles", [](json& f) { f["data"] = json::array(); }, "the file has no questions"},
        Damage{"Coqa",
               [](json& f) {
                 f["data"][0] = {{"story", "x"}};
               },
               "choose the task coqa"},
        Damage{"CoqaRow",
               [](json& f) {
                 f = json::array({{{"story", "x"}}});
               },
               "choose the task coqa"},
        Damage{"NoTitle", [](json& f) { f["data"][1].erase("title"); }, "data[1], title is missing"},
        Damage{"NoParagraphs", [](json& f) { f["data"][1].erase("paragraphs"); }, "data[1], paragraphs must be a list"},
        Damage{"NoContext", [](json& f) { f["data"][0]["paragraphs"][1].erase("context"); },
               "data[0].paragraphs[1], context is missing"},
        Damage{"NoQuestions", [](json& f) { f["data"][0]["paragraphs"][1]["qas"] = "x"; },
               "data[0].paragraphs[1], qas must be a list"},
        Damage{"QuestionIsText", [](json& f) { f["data"][0]["paragraphs"][0]["qas"][1] = "x"; },
               "data[0].paragraphs[0].qas[1], id is missing"},
        Damage{"AnswersIsText", [](json& f) { f["data"][0]["paragraphs"][0]["qas"][0]["answers"] = "x"; },
               "qas[0], answers must be a list"},
        Damage{"AnswerWithoutText", [](json& f) { f["data"][0]["paragraphs"][0]["qas"][0]["answers"][1] = 1; },
               "qas[0], answers[1].text is missing"},
        Damage{"IdTwice", [](json& f) { f["data"][0]["paragraphs"][0]["qas"][1]["id"] = "q4"; },
               "id 'q4' is used twice"}),
    [](const auto& damage) { return damage.param.name; });

TEST(ParseSquad, FailsOnEveryTruncationWithoutCrashing) {
  const std::string bytes = valid_file().dump();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(parse_squad(std::string_view(bytes).substr(0, length), "x.json")) << length;
}

}  // namespace
}  // namespace quantscope
