// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/evaluate/qa_prompt.h"
#include "core/exchange/coqa_predictions.h"
#include "core/exchange/lm_eval_samples.h"
#include "core/experiment/compare_runs.h"
#include "tests/support/loaded_model.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::value_of;

QaDataset small_dataset() {
  QaDataset dataset;
  dataset.name = "small";
  dataset.hash = "hash";
  dataset.stories = {{"one", "cnn", "", "Lily saw a cat.", {{1, "Who?", {"Lily"}}, {2, "What?", {"a cat", "one cat"}}}},
                     {"two", "race", "", "Tom ran.", {{1, "Who ran?", {"Tom"}}}}};
  return dataset;
}

QaOutcome answered(const QaDataset& dataset) {
  AnswerCollector collector(dataset, "test");
  collector.add({0, 1}, "the cat");
  collector.add({1, 0}, "Tom");
  QaOutcome outcome;
  outcome.task.protocol = "coqa-lm-eval-3";
  outcome.answers = value_of(collector.finish("coqa-lm-eval-3", {})).answers;
  return outcome;
}

void expect_same(const std::vector<QaAnswer>& a, const std::vector<QaAnswer>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].item.story, b[i].item.story);
    EXPECT_EQ(a[i].item.question, b[i].item.question);
    EXPECT_EQ(a[i].prediction, b[i].prediction);
    for (std::size_t s = 0; s < a[i].scores.size(); ++s) EXPECT_EQ(a[i].scores[s].f1, b[i].scores[s].f1);
  }
}

TEST(LmEvalSamples, ComeBackAsTheyWereExported) {
  const QaDataset dataset = small_dataset();
  const QaOutcome outcome = answered(dataset);
  const auto read =
      value_of(parse_lm_eval_samples(value_of(lm_eval_samples(outcome, dataset)), dataset, "samples.jsonl"));
  expect_same(read.answers, outcome.answers);
  EXPECT_EQ(read.protocol, "coqa-lm-eval-3");
  EXPECT_THAT(read.notes, IsEmpty());
}

TEST(LmEvalSamples, AreNotMadeOfAnswersToQuestionsThatTheDataSetLacks) {
  const QaDataset dataset = small_dataset();
  for (const QaItem& item : {QaItem{2, 0}, QaItem{1, 1}, QaItem{static_cast<std::size_t>(-1), 0}}) {
    QaOutcome outcome = answered(dataset);
    outcome.answers.back().item = item;
    const auto exported = lm_eval_samples(outcome, dataset);
    ASSERT_FALSE(exported);
    EXPECT_EQ(exported.error().code, ErrorCode::corrupt_file);
    EXPECT_THAT(exported.error().message, HasSubstr("which small does not have"));
  }
}

/// A line as lm-evaluation-harness 0.4 writes it: answers and arguments nested by request, other fields beside them.
json harness_line(const QaDataset& dataset) {
  return {{"doc_id", 1},
          {"doc",
           {{"id", "two"},
            {"source", "race"},
            {"story", "Tom ran."},
            {"questions", {{"input_text", {"Who ran?"}}, {"turn_id", {1}}}},
            {"answers", {{"input_text", {"Tom"}}, {"turn_id", {1}}}}}},
          {"target", json::array({"Tom"})},
          {"arguments", {{"gen_args_0", {{"arg_0", qa_prompt(dataset, {1, 0})}, {"arg_1", {{"until", {"\nQ:"}}}}}}}},
          {"resps", {{" Tom\nQ: who else"}}},
          {"filtered_resps", {" Tom\nQ: who else"}},
          {"doc_hash", "ab"},
          {"em", 1.0},
          {"f1", 1.0}};
}

TEST(LmEvalSamples, OfTheHarnessAreCutAtTheFirstLineAndScored) {
  const QaDataset dataset = small_dataset();
  const auto read = value_of(parse_lm_eval_samples(harness_line(dataset).dump() + "\n\n", dataset, "samples.jsonl"));
  ASSERT_EQ(read.answers.size(), 1U);
  EXPECT_EQ(read.answers[0].prediction, "Tom");
  EXPECT_EQ(read.answers[0].scores[0].f1, 1.0);
  EXPECT_EQ(read.protocol, "coqa-lm-eval-3");
  EXPECT_THAT(read.notes, ElementsAre("1 of 2 last questions of the stories have no answer in samples.jsonl and are "
                                      "not counted (one turn 2)."));
}

TEST(LmEvalSamples, OfOlderHarnessesListTheirTurnsAndArguments) {
  const QaDataset dataset = small_dataset();
  json line = harness_line(dataset);
  line["doc"]["questions"] = json::array({{{"input_text", "Who ran?"}, {"turn_id", 1}}});
  line["arguments"] = json::array({json::array({qa_prompt(dataset, {1, 0}), {{"until", "\nQ:"}}})});
  line.erase("filtered_resps");
  const auto read = value_of(parse_lm_eval_samples(line.dump(), dataset, "samples.jsonl"));
  EXPECT_EQ(read.answers.at(0).prediction, "Tom");
  EXPECT_EQ(read.protocol, "coqa-lm-eval-3");
}

TEST(LmEvalSamples, SayWhatDiffersAndWhatWasLeftOut) {
  const QaDataset dataset = small_dataset();
  json other_prompt = harness_line(dataset);
  other_prompt["arguments"]["gen_args_0"]["arg_0"] = "Answer in one word: Who ran?";
  other_prompt["f1"] = 0.25;
  json unknown = harness_line(dataset);
  unknown["doc"]["id"] = "three";
  const std::string lines = other_prompt.dump() + "\n" + unknown.dump() + "\n" + harness_line(dataset).dump();
  const auto read = value_of(parse_lm_eval_samples(lines, dataset, "samples.jsonl"));
  EXPECT_EQ(read.protocol, unknown_prompt);
  EXPECT_THAT(read.notes, ElementsAre(HasSubstr("1 prompts"), HasSubstr("1 scores"), HasSubstr("three turn 1"),
                                      HasSubstr("two turn 1"), HasSubstr("one turn 2")));
}

TEST(LmEvalSamples, OfOtherQuestionsOrBrokenLinesAreRefused) {
  const QaDataset dataset = small_dataset();
  json other = harness_line(dataset);
  other["doc"]["questions"]["input_text"][0] = "Who slept?";
  json silent = harness_line(dataset);
  silent.erase("resps");
  silent.erase("filtered_resps");
  const std::string good = harness_line(dataset).dump() + "\n";
  for (const std::string& bad : {good + other.dump(), good + silent.dump(), good + "{", good + "[]", good + "null"}) {
    const auto read = parse_lm_eval_samples(bad, dataset, "samples.jsonl");
    ASSERT_FALSE(read) << bad;
    EXPECT_THAT(read.error().message, HasSubstr("line 2"));
  }
  EXPECT_FALSE(parse_lm_eval_samples("", dataset, "samples.jsonl"));
}

TEST(CoqaPredictions, ComeBackAsTheyWereExported) {
  const QaDataset dataset = small_dataset();
  const QaOutcome outcome = answered(dataset);
  const auto read = value_of(parse_coqa_predictions(coqa_predictions(outcome), dataset, "predictions.json"));
  expect_same(read.answers, outcome.answers);
  EXPECT_EQ(read.protocol, unknown_prompt);
}

TEST(CoqaPredictions, OfUnknownTurnsAreCountedAndBadEntriesRefused) {
  const QaDataset dataset = small_dataset();
  const auto read = value_of(parse_coqa_predictions(
      R"([{"id": "one", "turn_id": 9, "answer": "x"}, {"id": "two", "turn_id": 1, "answer": "Tom"},
          {"id": "two", "turn_id": -1, "answer": "Tom"}, {"id": "two", "turn_id": 1, "answer": "Ann"}])",
      dataset, "p.json"));
  EXPECT_EQ(read.answers.size(), 1U);
  EXPECT_EQ(read.answers[0].prediction, "Tom");
  EXPECT_THAT(read.notes, ::testing::Contains(HasSubstr("2 answers belong to no question")));
  EXPECT_THAT(read.notes, ::testing::Contains(HasSubstr("1 answers came again")));
  for (const char* bad : {"", "{}", "[1]", R"([{"id": 1, "turn_id": 1, "answer": "x"}])", R"([{"id": "one"}])", "[]"})
    EXPECT_FALSE(parse_coqa_predictions(bad, dataset, "p.json")) << bad;
}

TEST(CoqaPredictions, OfTurnsThatAreNotAskedBelongToNoQuestion) {
  QaDataset dataset = small_dataset();
  dataset.stories[0].questions[0].references.clear();  // as the reader leaves a blank turn
  const auto read = value_of(parse_coqa_predictions(
      R"([{"id": "one", "turn_id": 1, "answer": "x"}, {"id": "one", "turn_id": 2, "answer": "a cat"}])", dataset, "p"));
  EXPECT_EQ(read.answers.size(), 1U);
  EXPECT_THAT(read.notes, ::testing::Contains(HasSubstr("1 answers belong to no question")));
  EXPECT_EQ(read.asked, 2);
}

TEST(ImportedFiles, ThatNestTooDeepAreRefusedBeforeTheyAreParsed) {
  const QaDataset dataset = small_dataset();
  const std::string deep(20'000'000, '[');
  const auto predictions = parse_coqa_predictions(deep, dataset, "p.json");
  ASSERT_FALSE(predictions);
  EXPECT_THAT(predictions.error().message, HasSubstr("p.json has lists or objects more than 64 levels deep (byte 64)"));
  const auto samples = parse_lm_eval_samples("\n" + deep, dataset, "s.jsonl");
  ASSERT_FALSE(samples);
  EXPECT_THAT(samples.error().message, HasSubstr("s.jsonl: line 2 has lists or objects more than 64 levels deep"));
}

TEST(ImportedFiles, WithMoreValuesThanAnyAnswerNeedsAreRefused) {
  std::string line = "[0";
  for (int i = 0; i < 1'000'000; ++i) line += ",0";
  const auto samples = parse_lm_eval_samples(line + "]", small_dataset(), "s.jsonl");
  ASSERT_FALSE(samples);
  EXPECT_THAT(samples.error().message, HasSubstr("s.jsonl: line 1 holds more than 1000000 values"));
}

/// Each answer is looked up once. A look at all stories or at all answers before it would take minutes here.
TEST(ImportedFiles, MayHoldManyAnswersAndManyStories) {
  constexpr int count = 200'000;
  QaDataset dataset = small_dataset();
  dataset.stories.clear();
  std::string predictions = "[";
  for (int i = 0; i < count; ++i) {
    const std::string id = "a story of some length " + std::to_string(i);
    dataset.stories.push_back({id, "cnn", "", "Tom ran.", {{1, "Who?", {"Tom"}}}});
    predictions += R"({"id":")" + id + R"(","turn_id":1,"answer":"Tom"},)";
    if (i % 2 == 0) predictions += R"({"id":")" + id + R"(","turn_id":1,"answer":"Ann"},)";
    if (i % 4 == 0) predictions += R"({"id":")" + id + R"(","turn_id":2,"answer":"Ann"},)";
  }
  predictions.back() = ']';
  const auto read = value_of(parse_coqa_predictions(predictions, dataset, "p.json"));
  ASSERT_EQ(read.answers.size(), std::size_t{count});
  EXPECT_EQ(read.answers.back().prediction, "Tom");
  EXPECT_EQ(read.asked, count);
  EXPECT_THAT(read.notes, ::testing::Contains(HasSubstr("100000 answers came again")));
  EXPECT_THAT(read.notes, ::testing::Contains(HasSubstr("50000 answers belong to no question")));
}

TEST(ImportedRun, IsPairedWithARunOfTheSamePromptsOnly) {
  const QaDataset dataset = small_dataset();
  RunResult ours;
  ours.qa = answered(dataset);
  ours.qa->dataset_hash = dataset.hash;
  ours.qa->task.protocol = "coqa-lm-eval-3";
  for (QaAnswer& answer : ours.qa->answers) answer.prompt_tokens = 20;
  const auto same =
      value_of(parse_lm_eval_samples(value_of(lm_eval_samples(*ours.qa, dataset)), dataset, "theirs.jsonl"));
  const RunResult theirs = imported_run(same, dataset, Task{}, "theirs.jsonl");
  EXPECT_EQ(run_name(theirs), "theirs.jsonl");
  EXPECT_EQ(value_of(compare_runs(ours, theirs, Scorer::lm_eval)).n, 2);
  const auto unknown = value_of(parse_coqa_predictions(coqa_predictions(*ours.qa), dataset, "p.json"));
  const auto refused = compare_runs(ours, imported_run(unknown, dataset, Task{}, "p.json"), Scorer::lm_eval);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("different prompts"));
}

TEST(ImportedRun, SaysWhichQuestionsItHasAndHowManyAreMissing) {
  const QaDataset dataset = small_dataset();
  const auto imported = [&](const std::vector<QaItem>& items) {
    AnswerCollector collector(dataset, "p.json");
    for (const QaItem& item : items) collector.add(item, "Tom");
    return imported_run(value_of(collector.finish("coqa-lm-eval-3", {})), dataset, Task{}, "p.json");
  };
  const RunResult last = imported({{0, 1}, {1, 0}}), all = imported({{0, 0}, {0, 1}, {1, 0}});
  EXPECT_EQ(last.qa->task.items, Items::last);
  EXPECT_EQ(last.request.tasks.front().items, Items::last);
  EXPECT_EQ(last.qa->asked, 2);
  EXPECT_THAT(last.qa->notes, ::testing::Not(::testing::Contains(HasSubstr("have no answer"))));
  EXPECT_EQ(all.qa->task.items, Items::all);
  EXPECT_EQ(all.qa->asked, 3);
  const RunResult part = imported({{0, 0}, {1, 0}});
  EXPECT_EQ(part.qa->task.items, Items::all);
  EXPECT_EQ(part.qa->asked, 3);
  EXPECT_THAT(part.qa->notes, ::testing::Contains("1 of 3 questions have no answer in p.json and are not counted (one "
                                                  "turn 2)."));
  const auto refused = compare_runs(all, part, Scorer::lm_eval);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("3 and p.json 2, 2 of them in common"));
}

TEST(ImportedRun, OfUnknownPromptsDoesNotGetOursByExport) {
  const QaDataset dataset = small_dataset();
  const auto unknown = value_of(parse_coqa_predictions(coqa_predictions(answered(dataset)), dataset, "p.json"));
  const RunResult run = imported_run(unknown, dataset, Task{}, "p.json");
  const std::string exported = value_of(lm_eval_samples(*run.qa, dataset));
  EXPECT_THAT(exported, ::testing::Not(HasSubstr("arguments")));
  const auto again = value_of(parse_lm_eval_samples(exported, dataset, "samples.jsonl"));
  expect_same(again.answers, run.qa->answers);
  EXPECT_EQ(again.protocol, unknown_prompt);
}

TEST(ImportedRun, OfOtherAnswersUnderTheSameNameIsAnotherRun) {
  const QaDataset dataset = small_dataset();
  ImportedAnswers imported;
  imported.answers = answered(dataset).answers;
  const RunResult first = imported_run(imported, dataset, Task{}, "p.json");
  imported.answers.back().prediction = "Ann";
  EXPECT_NE(imported_run(imported, dataset, Task{}, "p.json").provenance.fingerprint, first.provenance.fingerprint);
}

}  // namespace
}  // namespace quantscope
