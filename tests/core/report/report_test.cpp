// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "core/report/html_page.h"
#include "core/report/html_text.h"
#include "core/report/kl_tables.h"
#include "core/report/published_table.h"
#include "core/report/sentences.h"
#include "core/report/tables.h"
#include "tests/support/answered_run.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using ::testing::AllOf;
using testing::answered_run;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::value_of;

std::string html_of(const std::vector<RunResult>& runs, const Preset* preset = nullptr) {
  return report_html({runs, preset, {}}, "/nowhere", {});
}

TEST(HtmlText, EscapesWhatAFileMayHold) {
  EXPECT_EQ(escape_html("<script>&\"'\x01\xFF"), "&lt;script&gt;&amp;&quot;&#39;\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64(std::string("\0\xFF\x10\x80", 4)), "AP8QgA==");
}

TEST(ReportHtml, HoldsNoMarkupFromFilesAndNoAddress) {
  RunResult run = answered_run("nf4", 3, 5);
  run.provenance.checkpoint = run.provenance.baseline_note = "<img src=x onerror=alert(1)>";
  run.qa->dataset_name = "\"><script>";
  run.qa->notes = {"<b>note</b>"};
  run.error = Error{ErrorCode::io, "<i>broken</i>.", {}, {}};
  run.state = RunState::failed;
  run.provenance.imported_from = "<a href=//x>";
  const std::string html = html_of({answered_run("fp16", 5, 5), run});
  for (const char* markup : {"<img src=x", "<script", "<b>", "<i>", "<a "}) EXPECT_THAT(html, Not(HasSubstr(markup)));
  EXPECT_FALSE(std::regex_search(html, std::regex("(https?:|src=\"(?!data:)|url\\()")));
  EXPECT_THAT(html, HasSubstr("did not finish"));
}

TEST(ReportHtml, NeverCallsAnUnresolvedDifferenceBetterOrWorse) {
  const std::vector<RunResult> runs = {answered_run("fp16", 50, 60), answered_run("nf4", 51, 60),
                                       answered_run("fp4", 49, 60)};
  const std::string html = html_of(runs);
  EXPECT_THAT(html, HasSubstr("not resolved at n = 60"));
  EXPECT_THAT(html, HasSubstr("questions would resolve"));
  EXPECT_FALSE(std::regex_search(html, std::regex("\\b(better|worse)\\b")));
  EXPECT_THAT(html_of({answered_run("fp16", 60, 60), answered_run("nf4", 20, 60)}), HasSubstr("worse"));
}

TEST(ReportHtml, SaysWhenChartsWereLeftOutAndEmbedsThemOtherwise) {
  EXPECT_THAT(html_of({answered_run("fp16", 5, 5)}), HasSubstr("charts were left out"));
  const testing::TemporaryFolder folder;
  folder.write("memory.png", "\x89PNG");
  const std::vector<RunResult> runs = {answered_run("nf4", 5, 5)};
  const std::string html = report_html({runs, nullptr, {}}, folder.path(), {true, "No run has read it."});
  EXPECT_THAT(html, AllOf(HasSubstr("data:image/png;base64,iVBORw=="), HasSubstr("are scales, which the figure as "
                                                                                 "commonly reported")));
  EXPECT_THAT(html, Not(HasSubstr("left out:")));
  EXPECT_THAT(html, HasSubstr("There is no histogram of weights. No run has read it."));
  folder.write("weights.png", "\x89PNG");
  const std::string with_weights = report_html({runs, nullptr, {}}, folder.path(), {true, "down_proj after nf4."});
  EXPECT_THAT(with_weights, HasSubstr("<li>down_proj after nf4.</li>"));
  EXPECT_THAT(with_weights, Not(HasSubstr("no histogram")));
}

TEST(ReportHtml, SaysWhereImportedAnswersComeFrom) {
  RunResult run = answered_run("nf4", 3, 5);
  run.provenance.imported_from = "theirs.json";
  EXPECT_THAT(html_of({run}),
              AllOf(HasSubstr("Answers of another program, read from theirs.json"), Not(HasSubstr("on 0 threads"))));
}

TEST(ReportHtml, StampsProtocolsAndCaveats) {
  RunResult run = answered_run("nf4", 5, 6);
  run.provenance.baseline_note = "decoded Q4_1 weights";
  run.qa->notes = {"Bundled sample dataset, not CoQA."};
  run.qa->answers.front().cut_left = true;
  const std::vector<RunResult> runs = {run};
  EXPECT_THAT(protocol_stamps(runs),
              Contains(AllOf(HasSubstr("coqa-lm-eval-3"), HasSubstr("lm-eval 3.0"), HasSubstr("n = 6"))));
  EXPECT_THAT(caveats(runs), Contains(HasSubstr("decoded Q4_1 weights")));
  EXPECT_THAT(caveats(runs), Contains(HasSubstr("Bundled sample")));
  EXPECT_THAT(caveats(runs), Contains(HasSubstr("1 prompts of nf4 were longer")));
}

TEST(ReportTables, HaveOneRowForEachObservation) {
  RunResult run = answered_run("nf4", 1, 2);
  run.load_seconds = 2;
  run.speed = SpeedResult{{512, 64, 5}, {10, 9, 11}, {5, 4, 6}, {0.5, 0.4, 0.6}, 2, 1.5, 100, 1000};
  run.perplexity.emplace();
  run.perplexity->task.protocol = "ppl-llama.cpp-512";
  run.perplexity->result = summarize_perplexity({{0, 510, 1100, 255}, {1, 255, 300, 255}}, 1024);
  const std::vector<RunResult> runs = {run};
  EXPECT_THAT(speed_csv(runs), HasSubstr("nf4,generation,tokens_per_second,5,4,6,5,64\n"));
  EXPECT_THAT(speed_csv(runs), HasSubstr("nf4,load,seconds,2,2,2,1,0\n"));
  EXPECT_THAT(speed_csv(runs), HasSubstr("nf4,quantize,seconds,1.5,1.5,1.5,1,0\n"));
  EXPECT_THAT(speed_csv(runs), HasSubstr("nf4,share_of_memory_bandwidth,0_to_1,0.5,0.4,0.6,5,64\n"));
  EXPECT_THAT(chunks_csv(runs), HasSubstr("nf4,ppl-llama.cpp-512,0,255,510,1100,2\n"));
}

TEST(ReportTables, SayWhichItemsWereScoredAndHowEachDomainDid) {
  RunResult run = answered_run("nf4", 1, 2);
  run.qa->answers[0].source = "cnn";
  run.qa->answers[1].source = "mctest";
  const std::vector<RunResult> runs = {run};
  EXPECT_THAT(runs_csv(runs), HasSubstr("questions,same,last,all,coqa-lm-eval-3,lm-eval,2,,0.5,"));
  EXPECT_THAT(domains_csv(runs),
              AllOf(HasSubstr("nf4,lm-eval,children_stories,1,0,,0,\n"), HasSubstr("nf4,official,news,1,1,,1,\n")))
      << "one question has no error";
  EXPECT_THAT(html_of(runs), AllOf(HasSubstr("By domain"), HasSubstr("children_stories")));
  EXPECT_THAT(html_of({answered_run("nf4", 1, 2)}), Not(HasSubstr("By domain")));
}

/// The cells of the first run by the names of their columns. No name or cell here holds a comma.
std::map<std::string, std::string> cells_of_first_run(const std::string& csv) {
  std::istringstream lines(csv);
  std::string header, row, name, cell;
  std::getline(lines, header);
  std::getline(lines, row);
  std::istringstream names(header), values(row);
  std::map<std::string, std::string> cells;
  while (std::getline(names, name, ',')) {
    std::getline(values, cell, ',');
    cells[name] = cell;
  }
  return cells;
}

TEST(ReportTables, SayHowMuchOfWhatWasAskedForIsThere) {
  RunResult run = answered_run("nf4", 1, 2);
  run.qa->asked = 7;
  run.perplexity.emplace();
  run.perplexity->result = summarize_perplexity({{0, 510, 1100, 255}, {1, 255, 300, 255}}, 4096);
  run.perplexity->asked = 8;
  run.kl.emplace();
  run.kl->result = summarize_kl({summarize_kl_chunk(3, std::vector<HeadPair>{{-1, -1.5, 0.25, true}})}, 512);
  auto cells = cells_of_first_run(runs_csv(std::vector<RunResult>{run}));
  EXPECT_EQ(cells["n"], "2");
  EXPECT_EQ(cells["asked"], "7");
  EXPECT_EQ(cells["f1_0_to_1"], "0.5");
  EXPECT_EQ(cells["perplexity_windows"], "2");
  EXPECT_EQ(cells["perplexity_windows_asked"], "8");
  EXPECT_EQ(cells["kl_windows"], "1");
  EXPECT_EQ(cells["kl_windows_asked"], "") << "not known";
  EXPECT_EQ(cells["program_version"], run.provenance.program_version);
}

TEST(ReportTables, HoldEveryFigureOfADivergence) {
  RunResult run;
  run.request.settings = value_of(parse_configuration("nf4"));
  run.kl.emplace();
  run.kl->base = "fp16";
  run.kl->task.protocol = "ppl-llama.cpp-512";
  const std::vector<HeadPair> tokens = {{-1, -1.5, 0.25, true}, {-2, -2.5, 0.75, false}};
  run.kl->result = summarize_kl({summarize_kl_chunk(3, tokens)}, 512);
  const std::vector<RunResult> runs = {run};
  const std::string figures = kl_csv(runs);
  for (const char* row : {"kl_mean,nats,0.5,", "kl_percentile_50,nats,0.5,", "kl_percentile_100,nats,0.75,",
                          "same_top,0_to_1,0.5,", "ln_perplexity_ratio,,0.5,0\n", "scored_tokens,tokens,2,"})
    EXPECT_THAT(figures, HasSubstr(std::string("nf4,fp16,ppl-llama.cpp-512,") + row));
  EXPECT_THAT(figures,
              AllOf(HasSubstr("kl_percentile_99.9,"), HasSubstr("delta_p_rms,"), HasSubstr("perplexity_ratio,")));
  EXPECT_THAT(kl_chunks_csv(runs), HasSubstr("nf4,fp16,ppl-llama.cpp-512,3,2,1,4,3,1,0.5\n"));
}

TEST(Preset, OfTheSourceStudyStandsBesideTheRunsOfItsConfigurations) {
  const Preset preset = value_of(read_preset(ResourcePaths::locate(), "source-study"));
  EXPECT_EQ(preset.configurations, (std::vector<std::string>{"fp16", "nf4", "nf4-dq", "fp4", "int8"}));
  for (const std::string& name : preset.configurations) EXPECT_TRUE(parse_configuration(name)) << name;
  ASSERT_EQ(preset.tasks.size(), 1U);
  EXPECT_EQ(preset.tasks[0].sample, (Sample{Sample::Kind::first, 50, 0}));
  EXPECT_EQ(preset.tasks[0].items, Items::last);
  EXPECT_EQ(preset.tasks[0].scorer, Scorer::lm_eval);
  const std::vector<RunResult> runs = {answered_run("fp16:threads=2", 25, 50), answered_run("nf4", 30, 50)};
  const auto table = published_table(preset, runs);
  EXPECT_EQ(table.size(), preset.published.size() + 1);
  EXPECT_EQ(table[1][3], "64.18 ± 5.80");
  EXPECT_EQ(table[1][7].substr(0, 5), "50.00");
  EXPECT_THAT(published_csv(preset, runs),
              HasSubstr("nf4,published,A10G and A100,50,0.6758,0.0576,0.578,0.063,965.13,"));
  EXPECT_THAT(published_csv(preset, runs), HasSubstr("int8,published,,,,,,,,crashed\n"));
  const std::string html = html_of(runs, &preset);
  for (const char* text : {"GPTQ is not yet available", "AWQ is not yet available", "not resolved", "crashed"})
    EXPECT_THAT(html, HasSubstr(text));
}

TEST(Preset, SaysWhyRunsAreNotThoseOfTheStudy) {
  const Preset preset = value_of(read_preset(ResourcePaths::locate(), "source-study"));
  RunResult run = answered_run("fp16", 5, 10);
  run.qa->notes = {"Bundled sample dataset, written for this program."};
  run.qa->task.scorer = Scorer::max;
  const auto sentences = differences_from(preset, std::vector<RunResult>{run});
  EXPECT_THAT(sentences, Contains(HasSubstr("answered 10 questions, the published ones 50")));
  EXPECT_THAT(sentences, Contains(HasSubstr("not CoQA")));
  EXPECT_THAT(sentences, Contains(HasSubstr("scored by plain maximum")));
}

TEST(Preset, OfAnUnknownNameListsTheKnownOnes) {
  for (const char* name : {"nothing", "../default_model", ""}) {
    const auto read = read_preset(ResourcePaths::locate(), name);
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("source-study"));
  }
}

}  // namespace
}  // namespace quantscope
