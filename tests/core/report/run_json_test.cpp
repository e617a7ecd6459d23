// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/run_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/experiment/run_file_limits.h"
#include "tests/support/answered_run.h"
#include "tests/support/loaded_model.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::value_of;

/// A run with two of each list.
RunResult full_run() {
  RunResult run = testing::answered_run("nf4", 1, 2);
  run.request.model = "model";
  run.resolved.settings = run.request.settings;
  for (QaAnswer& answer : run.qa->answers) answer.references = {"a", "b"};
  run.tensors.resize(2);
  run.tensors[1].name = "second";
  run.perplexity.emplace();
  run.perplexity->task.kind = TaskKind::perplexity;
  run.perplexity->result = summarize_perplexity({{0, 510, 1100, 255}, {1, 255, 300, 255}}, 1024);
  run.kl.emplace();
  run.kl->task.kind = TaskKind::kl;
  run.kl->task.base = run.request.settings;
  const std::vector<HeadPair> tokens = {{-1, -1.5, 0.25, true}, {-2, -2.5, 0.75, false}};
  run.kl->result = summarize_kl({summarize_kl_chunk(3, tokens), summarize_kl_chunk(4, tokens)}, 512);
  return run;
}

json file_of(int runs) {
  const std::vector<RunResult> results(static_cast<std::size_t>(runs), full_run());
  return json::parse(runs_json(results));
}

std::string refusal_of(const json& file) {
  const auto runs = runs_from_json(file.dump());
  return runs ? std::string() : runs.error().message;
}

TEST(RunJson, CountsThatAreNoWholeNumbersAreRefused) {
  const json good = file_of(1);
  for (const char* place : {"/runs/0/mapped_bytes", "/runs/0/provenance/threads", "/runs/0/tensors/1/rows",
                            "/runs/0/kl/chunks/0/scored", "/runs/0/perplexity/asked", "/runs/0/measured/codes"}) {
    const json::json_pointer field(place);
    ASSERT_TRUE(good.contains(field)) << place;
    for (const json& wrong : {json(1.5), json(1e66), json(-1e300), json(std::uint64_t{1} << 63), json("1")}) {
      json file = good;
      file[field] = wrong;
      EXPECT_THAT(refusal_of(file), HasSubstr("lacks a field or has one of the wrong type")) << place << " " << wrong;
    }
  }
}

TEST(RunJson, ReadsEveryListOfEveryRun) {
  const auto runs = value_of(runs_from_json(file_of(3).dump()));
  ASSERT_EQ(runs.size(), 3U);
  for (const RunResult& run : runs) {
    EXPECT_EQ(to_json(run), to_json(full_run()));
    EXPECT_EQ(run.tensors.size(), 2U);
    EXPECT_EQ(run.qa->answers.size(), 2U);
    EXPECT_EQ(run.perplexity->result.chunks.size(), 2U);
    EXPECT_EQ(run.kl->result.chunks.size(), 2U);
  }
  EXPECT_EQ(to_json(value_of(run_result_from_json(to_json(full_run())))), to_json(full_run()));
}

TEST(RunJson, KeepsAnswersOfTwoTasksApart) {
  json file = file_of(1);
  json other = file["runs"][0]["coqa"];
  other["request"]["task"] = "squad";
  other["items"].erase(1);
  file["runs"][0]["squad"] = other;
  EXPECT_EQ(value_of(runs_from_json(file.dump()))[0].qa->answers.size(), 1U);
}

TEST(RunJson, PassesOverWhatItDoesNotKnow) {
  json file = file_of(1);
  file["runs"][0]["later"] = {{"items", {{{"a", 1}}}}, {"chunks", {1, 2}}};
  file["more"] = {1, {2}};
  EXPECT_EQ(to_json(value_of(runs_from_json(file.dump()))[0]), to_json(full_run()));
}

TEST(RunJson, RefusesListsThatHoldSomethingElse) {
  for (const char* list : {"/runs/0/tensors", "/runs/0/coqa/items", "/runs/0/perplexity/chunks", "/runs/0/kl/chunks"}) {
    const json::json_pointer place(list);
    for (const json& bad : {json(5), json("text"), json::array(), json::object({{"a", 1}})}) {
      json file = file_of(1);
      file[place].push_back(bad);
      EXPECT_THAT(refusal_of(file), HasSubstr("lacks a field or has one of the wrong type")) << list << bad;
    }
    for (const json& bad : {json(5), json(nullptr), json::object({{"a", 1}}), json("text")}) {
      json file = file_of(1);
      file[place] = bad;
      EXPECT_THAT(refusal_of(file), HasSubstr("lacks a field or has one of the wrong type")) << list << bad;
    }
  }
  for (const json& bad : {json(5), json("text"), json(nullptr)}) {
    json file = file_of(1);
    file["runs"].push_back(bad);
    EXPECT_FALSE(runs_from_json(file.dump())) << bad;
    file["runs"] = bad;
    EXPECT_THAT(refusal_of(file), HasSubstr("not a run.json")) << bad;
    EXPECT_FALSE(runs_from_json(bad.dump()));
    EXPECT_FALSE(run_result_from_json(bad.dump()));
  }
}

TEST(RunJson, RefusesARunThatHoldsMoreThanAnyNeeds) {
  std::string text = R"({"runs":[{"x":[0)";
  for (std::size_t i = 0; i < most_values_of_run; ++i) text += ",0";
  const auto runs = runs_from_json(text + "]}]}");
  ASSERT_FALSE(runs);
  EXPECT_THAT(runs.error().message, HasSubstr("This run.json holds more than 1000000 values in one part"));
}

}  // namespace
}  // namespace quantscope
