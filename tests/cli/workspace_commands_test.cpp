// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/shell.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;
using testing::Outcome;
using testing::run_shell;

class WorkspaceCommands : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return study_.file(name).string(); }
  std::string compare(const std::string& more) const {
    return fmt::format("compare {} fp32 nf4 --task coqa perplexity --items all --data {} --text {} {}", file("model"),
                       file("questions.json"), file("text.txt"), more);
  }
  static Outcome cli(const std::string& arguments) {
    return run_shell(fmt::format("{} {} 2>&1", QUANTSCOPE_CLI, arguments));
  }
  static json cli_json(const std::string& arguments) {
    const Outcome outcome = run_shell(fmt::format("{} {} --json 2>/dev/null", QUANTSCOPE_CLI, arguments));
    EXPECT_EQ(outcome.exit_code, 0) << arguments;
    return json::parse(outcome.output, nullptr, false);
  }
  /// What the runs answered and how surprised they were, in order.
  static json numbers(const json& document) {
    json list = json::array();
    for (const json& run : document.at("runs")) {
      json answers = json::array();
      for (const json& item : run.at("coqa").at("items")) answers.push_back({item.at("prediction"), item.at("scores")});
      list.push_back({answers, run.at("perplexity").at("chunks"), run.at("tensors")});
    }
    return list;
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
};

TEST_F(WorkspaceCommands, CompareStoresReportWritesAndRunRepeats) {
  const json plain = cli_json(compare(""));
  const json stored = cli_json(compare("--workspace " + file("study.quantscope")));
  EXPECT_EQ(numbers(stored), numbers(plain));
  EXPECT_EQ(cli_json("report " + file("study.quantscope") + " " + file("report")).at("runs"), 2);
  for (const char* name : {"runs.csv", "questions.csv", "pairs.csv", "tensors.csv", "memory.csv", "speed.csv",
                           "chunks.csv", "domains.csv", "kl.csv", "kl_chunks.csv", "run.json", "report.html"})
    EXPECT_TRUE(fs::exists(study_.file("report") / name)) << name;
  const json again = cli_json("run " + file("report/run.json"));
  EXPECT_EQ(numbers(again), numbers(plain));
  const Outcome other = cli("report " + file("study.quantscope") + " " + file("other") + " --baseline nf4");
  EXPECT_EQ(other.exit_code, 0) << other.output;
  std::ifstream pairs(study_.file("other") / "pairs.csv");
  const std::string text{std::istreambuf_iterator<char>(pairs), {}};
  EXPECT_THAT(text, AllOf(HasSubstr("fp32,nf4,f1,lm-eval,12,"), HasSubstr("fp32,nf4,ln_perplexity_ratio,,6,")));
  EXPECT_EQ(cli("report " + file("study.quantscope") + " " + file("x") + " --baseline fp4").exit_code, 2);
}

TEST_F(WorkspaceCommands, RunSaysWhenItsInputsAreNotWhatTheyWere) {
  cli_json(compare("--report " + file("report")));
  const std::string data = file("questions.json");
  const std::string old_hash = cli_json("run " + file("report/run.json")).at("runs")[0].at("coqa").at("dataset_hash");
  std::ofstream(data, std::ios::app) << "\n";
  const Outcome refused = cli("run " + file("report/run.json"));
  EXPECT_EQ(refused.exit_code, 2) << refused.output;
  EXPECT_THAT(refused.output, AllOf(HasSubstr("The dataset " + data + " has changed since: its hash was " + old_hash),
                                    HasSubstr("--changed-inputs")));
  const Outcome anyway = cli("run " + file("report/run.json") + " --changed-inputs");
  EXPECT_EQ(anyway.exit_code, 0) << anyway.output;
  EXPECT_THAT(anyway.output, AllOf(HasSubstr("Warning: The dataset " + data), HasSubstr("no repetition")));
}

TEST_F(WorkspaceCommands, ResumeFinishesAKilledCompareWithTheSameNumbers) {
  const json expected = numbers(cli_json(compare("")));
  const std::string workspace = file("killed.quantscope");
  for (const char* seconds : {"0.05", "0.2", "0.4", "0.8"})
    run_shell(fmt::format("timeout -s KILL {} {} {} >/dev/null 2>&1", seconds, QUANTSCOPE_CLI,
                          compare("--workspace " + workspace)));
  // Whatever the kills left; the last one makes sure that the file is there and everything is planned.
  if (!fs::exists(workspace)) cli(compare("--workspace " + workspace));
  cli_json("resume " + workspace);
  const json whole = cli_json(compare("--workspace " + workspace));
  EXPECT_EQ(numbers(whole), expected);
  EXPECT_THAT(cli("resume " + workspace).output, HasSubstr("0 runs are left"));
}

TEST_F(WorkspaceCommands, EvaluateStoresOneRunAndRefusesBadFiles) {
  const std::string evaluate =
      fmt::format("evaluate {} nf4 --items all --data {} --workspace ", file("model"), file("questions.json"));
  EXPECT_EQ(cli_json(evaluate + file("one.quantscope")).at("n"), 12);
  std::ofstream(study_.file("text.quantscope")) << std::string(5000, 'x');
  const Outcome refused = cli(evaluate + file("text.quantscope"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("is not a workspace"));
  EXPECT_THAT(cli("resume " + file("none.quantscope")).output, HasSubstr("There is no workspace"));
  EXPECT_EQ(cli("report " + file("none.quantscope") + " " + file("r")).exit_code, 1);
}

TEST_F(WorkspaceCommands, AnswersLeaveAndComeBackInBothForms) {
  const std::string workspace = file("study.quantscope");
  cli_json(compare("--workspace " + workspace));
  const json samples = cli_json("export " + workspace + " " + file("out"));
  ASSERT_EQ(samples.at("files").size(), 2U);
  const json predictions = cli_json("export " + workspace + " " + file("out") + " --format coqa");
  const std::string data = " --data " + file("questions.json");
  const json imported =
      cli_json("import " + workspace + " " + samples.at("files").at(1).get<std::string>() + data + " --name theirs");
  EXPECT_EQ(imported.at("n"), 12);
  EXPECT_EQ(imported.at("protocol"), "coqa-lm-eval-3");
  const json unknown = cli_json("import " + workspace + " " + predictions.at("files").at(1).get<std::string>() + data +
                                " --format coqa --name official");
  EXPECT_EQ(unknown.at("protocol"), "unknown");
  const Outcome report = cli("report " + workspace + " " + file("report") + " --baseline nf4");
  EXPECT_EQ(report.exit_code, 0) << report.output;
  std::ifstream stream(study_.file("report") / "pairs.csv");
  const std::string pairs{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_THAT(pairs, HasSubstr("theirs,nf4,f1,lm-eval,12,0,,0,0,1,1,0,0,1,0,not resolved at n = 12"));
  EXPECT_THAT(pairs, HasSubstr("official,nf4,f1,lm-eval,,,,,,,,,,,,The runs used different prompts"));
  EXPECT_EQ(cli("run " + file("report/run.json")).exit_code, 0);  // only what this program can repeat
  EXPECT_EQ(cli("import " + workspace + " " + file("text.txt") + data).exit_code, 1);
}

TEST_F(WorkspaceCommands, RunsOfOtherQuestionsAreNotPairedAndPartialImportsSaySo) {
  const std::string workspace = file("study.quantscope"), data = " --data " + file("questions.json");
  const auto evaluate = [&](const std::string& configuration, const std::string& sample) {
    cli_json("evaluate " + file("model") + " " + configuration + " --items all --sample " + sample + data +
             " --workspace " + workspace);
  };
  evaluate("fp32", "first:3");
  evaluate("nf4", "first:2");
  std::ofstream(study_.file("p.json")) << R"([{"id": "story0", "turn_id": 1, "answer": "Lily"},
    {"id": "story0", "turn_id": 2, "answer": "Tom"}, {"id": "story0", "turn_id": 3, "answer": "Lily"}])";
  const std::string prompt = " --protocol coqa-lm-eval-3";
  const json imported = cli_json("import " + workspace + " " + file("p.json") + data + " --format coqa" + prompt);
  EXPECT_EQ(imported.at("n"), 3);
  EXPECT_EQ(imported.at("asked"), 12);
  EXPECT_THAT(imported.at("notes").dump(), AllOf(HasSubstr("9 of 12 questions have no answer in p.json"),
                                                 HasSubstr("was said at import; p.json does not say so")));
  ASSERT_EQ(cli("report " + workspace + " " + file("report")).exit_code, 0);
  const auto text_of = [&](const char* name) {
    std::ifstream stream(study_.file("report") / name);
    return std::string{std::istreambuf_iterator<char>(stream), {}};
  };
  EXPECT_THAT(text_of("pairs.csv"), AllOf(HasSubstr("different questions: fp32 has 3 and nf4 2, 2 of them in common"),
                                          HasSubstr("p.json,fp32,f1,lm-eval,3,")));  // the same three questions
  EXPECT_THAT(text_of("report.html"), HasSubstr("all questions of each story, sample all, n = 3 of 12"));
}

TEST_F(WorkspaceCommands, DivergencesAreKeptReportedAndExported) {
  const std::string workspace = file("kl.quantscope");
  const std::string compare = fmt::format("compare {} fp32 nf4 --task kl --data {}", file("model"), file("text.txt"));
  const json plain = cli_json(compare);
  run_shell(
      fmt::format("timeout -s KILL 0.2 {} {} --workspace {} >/dev/null 2>&1", QUANTSCOPE_CLI, compare, workspace));
  cli_json(compare + " --workspace " + workspace);
  const json resumed = cli_json("resume " + workspace);
  for (std::size_t i = 0; i < 2; ++i)
    for (const char* figure : {"kl_mean", "kl_percentiles", "same_top", "rms_delta_p", "delta_p_percentiles",
                               "ln_perplexity_ratio", "ln_perplexity_ratio_error", "chunks"})
      EXPECT_EQ(resumed.at("runs").at(i).at("kl").at(figure), plain.at("runs").at(i).at("kl").at(figure)) << figure;
  EXPECT_THAT(cli("resume " + workspace).output, HasSubstr("KL divergence"));
  cli_json("report " + workspace + " " + file("report"));
  std::ifstream html(study_.file("report") / "report.html");
  EXPECT_THAT((std::string{std::istreambuf_iterator<char>(html), {}}), HasSubstr("the same most likely token"));
  const json files = cli_json("export " + workspace + " " + file("out") + " --format kl").at("files");
  ASSERT_EQ(files.size(), 2U);
  std::ifstream tokens(files.at(1).get<std::string>());
  std::string line;
  std::getline(tokens, line);
  EXPECT_EQ(line, "chunk,scored_token,base_log_probability_nats,log_probability_nats,kl_nats,same_top");
  int rows = 0;
  while (std::getline(tokens, line)) ++rows;
  EXPECT_EQ(rows, 6 * 255);
  const Outcome nothing = cli("export " + workspace + " " + file("none"));
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.output, HasSubstr("holds answers to CoQA's questions: there is nothing to export as lm-eval."));
  EXPECT_FALSE(std::filesystem::exists(study_.file("none"))) << "no folder is made for nothing";
}

TEST_F(WorkspaceCommands, SensitivitiesAreKeptAndReported) {
  const std::string workspace = file("layers.quantscope");
  const std::string measure =
      fmt::format("sensitivity {} nf4 --measure kl --data {} --chunks 0:2", file("model"), file("text.txt"));
  const json plain = cli_json(measure);
  const auto without_times = [](json document) {
    for (json& row : document.at("rows")) row.erase("seconds");
    return document;
  };
  run_shell(
      fmt::format("timeout -s KILL 0.3 {} {} --workspace {} >/dev/null 2>&1", QUANTSCOPE_CLI, measure, workspace));
  const json first = cli_json(measure + " --csv " + file("layers.csv") + " --workspace " + workspace);
  EXPECT_EQ(without_times(first), without_times(plain));
  EXPECT_EQ(cli_json(measure + " --threads 1 --workspace " + workspace).at("rows"),
            first.at("rows"));  // times included
  cli_json(measure + " --unit layer --mode all-but --workspace " + workspace);
  EXPECT_EQ(cli_json("report " + workspace + " " + file("report")).at("runs"), 0);
  const auto lines_of = [&](const std::string& name) {
    std::ifstream stream(study_.file(name));
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  };
  const auto own = lines_of("layers.csv"), reported = lines_of("report/layers.csv");
  ASSERT_EQ(own.size(), 15U);
  ASSERT_EQ(reported.size(), 17U);
  EXPECT_TRUE(std::equal(own.begin(), own.end(), reported.begin()));
  EXPECT_THAT(reported.back(), HasSubstr(",layer,all-but,model.layers."));
  std::ifstream page(study_.file("report") / "report.html");
  const std::string html{std::istreambuf_iterator<char>(page), {}};
  EXPECT_THAT(html, AllOf(HasSubstr("Sensitivity by tensor: nf4"), HasSubstr("Sensitivity by layer: nf4"),
                          HasSubstr("Effects of parts do not add up")));
  for (const json& row : first.at("rows"))
    EXPECT_THAT(html, HasSubstr("<td>" + row.at("name").get<std::string>() + "</td>"));
  EXPECT_EQ(cli(measure + " --rows x.jsonl --workspace " + workspace).exit_code, 2);
}

TEST_F(WorkspaceCommands, TwoQuestionTasksOfOneRunAreRefusedAndNotPlanned) {
  const std::string workspace = file("two.quantscope");
  const std::string compare = fmt::format("compare {} fp32 nf4 --data {}", file("model"), file("questions.json"));
  const Outcome refused = cli(compare + " --task coqa squad --workspace " + workspace);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.output, HasSubstr("coqa and squad cannot be tasks of the same run"));
  EXPECT_FALSE(fs::exists(workspace));
  std::ofstream(study_.file("request.json"))
      << json{{"schema", 1},
              {"model", file("model")},
              {"configuration", "nf4"},
              {"tasks", {{{"task", "perplexity"}, {"data", file("text.txt")}}, {{"task", "perplexity"}}}}};
  const Outcome from_json = cli("run " + file("request.json"));
  EXPECT_EQ(from_json.exit_code, 2);
  EXPECT_THAT(from_json.output, HasSubstr("perplexity and perplexity cannot be tasks of the same run"));
}

TEST_F(WorkspaceCommands, PresetRunsTheStudyAndShowsItsFigures) {
  const Outcome outcome = cli(fmt::format("compare {} --preset source-study --data {} --report {}", file("model"),
                                          file("questions.json"), file("report")));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  for (const char* text : {"64.18 ± 5.80", "GPTQ is not yet available", "AWQ is not yet available", "crashed",
                           "answered 4 questions, the published ones 50"})
    EXPECT_THAT(outcome.output, HasSubstr(text));
  std::ifstream html(study_.file("report") / "report.html");
  EXPECT_THAT((std::string{std::istreambuf_iterator<char>(html), {}}), HasSubstr("Published figures beside yours"));
  EXPECT_TRUE(fs::exists(study_.file("report") / "published.csv"));
  EXPECT_EQ(cli(fmt::format("compare {} --preset none", file("model"))).exit_code, 2);
}

}  // namespace
}  // namespace quantscope
