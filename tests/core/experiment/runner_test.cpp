// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/runner.h"
#include "core/experiment/compare_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/report/pairs.h"
#include "core/report/report.h"
#include "core/report/run_json.h"
#include "tests/support/loaded_model.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;
namespace fs = std::filesystem;

/// A small CoQA file for the tiny model: two stories of three questions.
class TinyCompare : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    testing::write_tiny_model(folder_ / "model");
    std::ofstream(folder_ / "questions.json")
        << R"({"version": "1.0", "data": [)" << story("one") << "," << story("two") << "]}";
  }

  static std::string story(const std::string& id) {
    std::string questions;
    std::string answers;
    for (int turn = 1; turn <= 3; ++turn) {
      const std::string comma = turn == 1 ? "" : ",";
      const std::string number = std::to_string(turn);
      questions += comma + R"({"input_text": "Who saw the cat?", "turn_id": )" + number + "}";
      answers += comma + R"({"span_start": 0, "span_end": 4, "span_text": "Lily", "input_text": "Lily", "turn_id": )" +
                 number + "}";
    }
    return R"({"id": ")" + id + R"(", "source": "test", "story": "Lily saw a cat in the park. )" + id +
           R"(", "questions": [)" + questions + R"(], "answers": [)" + answers + "]}";
  }

  RunRequest request(const std::string& configuration) const {
    RunRequest request;
    request.model = (folder_ / "model").string();
    request.settings = value_of(parse_configuration(configuration));
    Task task;
    task.data = (folder_ / "questions.json").string();
    task.items = Items::all;
    request.tasks.push_back(task);
    return request;
  }

  fs::path folder_;
};

TEST_F(TinyCompare, SeveralConfigurationsMakeAReport) {
  Runner runner(ResourcePaths::locate());
  std::vector<RunResult> results;
  for (const char* name : {"fp32", "nf4", "int8"}) {
    int answers = 0;
    RunObserver observer;
    observer.answer = [&](const QaAnswer&) { ++answers; };
    results.push_back(value_of(runner.run(request(name), observer, {})));
    EXPECT_EQ(results.back().state, RunState::finished) << (results.back().error ? results.back().error->message : "");
    EXPECT_EQ(answers, 6);
  }
  ASSERT_TRUE(write_report_tables(folder_ / "report", {results, nullptr, {}}));
  for (const char* file : {"runs.csv", "questions.csv", "memory.csv", "tensors.csv", "pairs.csv", "run.json"})
    EXPECT_GT(fs::file_size(folder_ / "report" / file), 100U) << file;
  EXPECT_EQ(pair_rows(results).size(), 2U);
}

TEST_F(TinyCompare, WeightsMeasuredEqualTheForecastToTheByte) {
  Runner runner(ResourcePaths::locate());
  for (const char* name : {"fp32", "fp16", "int8", "int4", "nf4-dq", "nf4:block=4096", "nf4:scope=all"}) {
    const RunResult result = value_of(runner.run(request(name), {}, {}));
    for (const MemoryTag tag : {MemoryTag::codes, MemoryTag::scales, MemoryTag::embedding, MemoryTag::head,
                                MemoryTag::norms, MemoryTag::unquantized, MemoryTag::kv_cache})
      EXPECT_EQ(result.measured[tag], result.resolved.forecast[tag]) << name << " " << memory_tag_name(tag);
  }
}

TEST_F(TinyCompare, ARunRepeatsToTheSameAnswers) {
  Runner runner(ResourcePaths::locate());
  const RunResult first = value_of(runner.run(request("nf4"), {}, {}));
  const RunResult again = value_of(runner.run(first.request, {}, {}));
  ASSERT_EQ(first.qa->answers.size(), again.qa->answers.size());
  for (std::size_t i = 0; i < first.qa->answers.size(); ++i)
    EXPECT_EQ(first.qa->answers[i].prediction, again.qa->answers[i].prediction);
}

TEST_F(TinyCompare, AStopKeepsWhatWasFinished) {
  Runner runner(ResourcePaths::locate());
  std::stop_source stop;
  RunObserver observer;
  std::size_t heard = 0;
  observer.answer = [&](const QaAnswer&) {
    ++heard;
    stop.request_stop();
  };
  const RunResult result = value_of(runner.run(request("fp32"), observer, stop.get_token()));
  EXPECT_EQ(result.state, RunState::stopped);
  ASSERT_TRUE(result.qa);
  EXPECT_GE(heard, 1U);
  EXPECT_EQ(result.qa->answers.size(), heard);
  const auto next = runner.run(request("fp32"), {}, {});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->state, RunState::finished);
}

TEST_F(TinyCompare, JsonReadsBackAsTheSameResult) {
  Runner runner(ResourcePaths::locate());
  const RunResult result = value_of(runner.run(request("fp4"), {}, {}));
  const RunResult read = value_of(run_result_from_json(to_json(result)));
  EXPECT_EQ(to_json(read), to_json(result));
  const std::vector<RunResult> runs = {result, read};
  EXPECT_EQ(value_of(runs_from_json(runs_json(runs))).size(), 2U);
}

TEST_F(TinyCompare, RunsOfDifferentQuestionsAreNotPaired) {
  Runner runner(ResourcePaths::locate());
  const RunResult base = value_of(runner.run(request("fp32"), {}, {}));
  std::ofstream(folder_ / "questions.json", std::ios::app) << " ";
  const RunResult other = value_of(runner.run(request("nf4"), {}, {}));
  const auto compared = compare_runs(base, other, Scorer::lm_eval);
  ASSERT_FALSE(compared);
  EXPECT_THAT(compared.error().message, HasSubstr("different datasets"));
}

TEST_F(TinyCompare, BadInputIsASentenceBeforeAnythingRuns) {
  Runner runner(ResourcePaths::locate());
  RunRequest missing_model = request("fp32");
  missing_model.model = (folder_ / "nothing.gguf").string();
  RunRequest missing_data = request("fp32");
  missing_data.tasks.front().data = (folder_ / "nothing.json").string();
  RunRequest plan = request("fp32");
  plan.model = (folder_ / "model" / "config.json").string();
  for (const RunRequest& bad : {missing_model, missing_data, plan, request("gptq"), request("nf4:device=cuda:0")}) {
    const auto result = runner.run(bad, {}, {});
    ASSERT_FALSE(result);
    EXPECT_GT(result.error().message.size(), 20U);
    EXPECT_EQ(result.error().message.back(), '.');
  }
}

TEST(RunRequest, RefusesAnUnknownSchemaAndNamesTheField) {
  const auto newer = run_request_from_json(R"({"schema": 99, "model": "x", "configuration": "nf4"})");
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, HasSubstr("schema 99"));
  const auto missing = run_request_from_json(R"({"schema": 1, "model": "x"})");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("configuration"));
  for (const char* text : {"", "[]", "{", "null", R"({"schema": "one"})"}) EXPECT_FALSE(run_request_from_json(text));
}

}  // namespace
}  // namespace quantscope
