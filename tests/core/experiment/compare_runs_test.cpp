// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/compare_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/evaluate/qa_prompt.h"
#include "tests/support/answered_run.h"
#include "tests/support/loaded_model.h"

namespace quantscope {
namespace {

using testing::answered_run;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::value_of;

TEST(CompareRuns, RefusesWhatDoesNotMeanTheSame) {
  const RunResult base = answered_run("fp16", 5, 10);
  const auto refusal = [&](const auto& change) {
    RunResult other = answered_run("nf4", 5, 10);
    change(other);
    const auto compared = compare_runs(base, other, Scorer::lm_eval);
    return compared ? std::string("compared") : compared.error().message;
  };
  EXPECT_EQ(refusal([](RunResult&) {}), "compared");
  EXPECT_THAT(refusal([](RunResult& run) { run.qa->dataset_hash = "x"; }), HasSubstr("different datasets"));
  EXPECT_THAT(refusal([](RunResult& run) { run.qa->task.protocol = "x"; }), HasSubstr("different prompts"));
  EXPECT_THAT(refusal([](RunResult& run) { run.qa->task.scorer = Scorer::max; }),
              HasSubstr("scored in different ways"));
  EXPECT_THAT(refusal([](RunResult& run) { run.qa.reset(); }), HasSubstr("need answers"));
  const auto move_items = [](std::size_t by) {
    return [by](RunResult& run) {
      for (QaAnswer& answer : run.qa->answers) answer.item.story += by;
    };
  };
  EXPECT_THAT(refusal(move_items(4)), HasSubstr("different questions: fp16 has 10 and nf4 10, 6 of them in common; "
                                                "fp16 lacks 4, nf4 lacks 4."));
  EXPECT_THAT(refusal(move_items(40)), HasSubstr("0 of them in common"));
  EXPECT_THAT(refusal([](RunResult& run) { run.qa->answers.resize(4); }), HasSubstr("fp16 lacks 0, nf4 lacks 6."));
}

/// `answered` of the `asked` questions of a sample of that many.
RunResult run_of(int answered, int asked) {
  RunResult run = answered_run("nf4", 1, answered);
  run.qa->asked = asked;
  run.qa->task.sample = {Sample::Kind::first, asked, 0};
  run.state = answered < asked ? RunState::stopped : RunState::finished;
  return run;
}

TEST(CompareRuns, PairsARunThatHasNotFinishedOnWhatItHas) {
  const auto compared = [](const RunResult& base, const RunResult& other) {
    const PairedComparison pair = value_of(compare_runs(base, other, Scorer::lm_eval));
    return std::pair(pair.n, pair.asked);
  };
  EXPECT_EQ(compared(run_of(10, 10), run_of(4, 10)), (std::pair<std::int64_t, std::int64_t>(4, 10)));
  EXPECT_EQ(compared(run_of(4, 10), run_of(10, 10)), (std::pair<std::int64_t, std::int64_t>(4, 10)));
  EXPECT_EQ(compared(run_of(6, 10), run_of(4, 10)), (std::pair<std::int64_t, std::int64_t>(4, 10)));
  EXPECT_EQ(compared(run_of(10, 10), run_of(10, 10)), (std::pair<std::int64_t, std::int64_t>(10, 10)));
  RunResult older = run_of(4, 10);  // of a file that does not say how many were asked
  older.qa->asked = 0;
  EXPECT_EQ(compared(run_of(10, 10), older), (std::pair<std::int64_t, std::int64_t>(4, 10)));
}

TEST(CompareRuns, RefusesAnUnfinishedRunThatWasAskedOtherwise) {
  const auto refusal = [](const RunResult& base, const RunResult& other) {
    const auto compared = compare_runs(base, other, Scorer::lm_eval);
    return compared ? std::string("compared") : compared.error().message;
  };
  EXPECT_THAT(refusal(run_of(10, 10), run_of(4, 12)),
              HasSubstr("asked for different questions: nf4 for 10 and nf4 for 12"));
  EXPECT_THAT(refusal(run_of(3, 3), run_of(4, 10)), HasSubstr("different questions: nf4 has 3 and nf4 4"));
  RunResult last = run_of(4, 10), all = run_of(5, 10);
  all.qa->task.items = Items::all;
  EXPECT_THAT(refusal(last, all), HasSubstr("asked for different questions"));
  RunResult imported = run_of(8, 10);  // can get no more
  imported.provenance.imported_from = "theirs.jsonl";
  EXPECT_THAT(refusal(run_of(10, 10), imported), HasSubstr("theirs.jsonl lacks 2."));
  EXPECT_THAT(refusal(run_of(4, 10), imported),
              HasSubstr("asked for different questions: nf4 for 10 and theirs.jsonl for 8"));
}

TEST(CompareRuns, RefusesPromptsThatNobodyKnows) {
  RunResult a = answered_run("nf4", 5, 10), b = a;
  a.qa->task.protocol = b.qa->task.protocol = unknown_prompt;
  a.provenance.imported_from = "a.json";
  b.provenance.imported_from = "b.json";
  EXPECT_THAT(compare_runs(a, b, Scorer::lm_eval).error().message,
              HasSubstr("With which prompts the answers of a.json and b.json were made is not known"));
}

TEST(CompareRuns, RefusesTokenizersOfOtherIdentitiesWhereBothAreKnown) {
  RunResult base = answered_run("fp16", 5, 10), other = answered_run("nf4", 5, 10);
  base.perplexity.emplace().result = summarize_perplexity({{0, 510, 1100, 255}, {1, 255, 300, 255}}, 1024);
  other.perplexity = base.perplexity;
  base.provenance.tokenizer = "aa";
  EXPECT_TRUE(compare_runs(base, other, Scorer::lm_eval));  // of an older file
  other.provenance.tokenizer = "bb";
  EXPECT_THAT(compare_runs(base, other, Scorer::lm_eval).error().message,
              HasSubstr("different tokenizers (fp16 has aa, nf4 has bb)"));
  EXPECT_THAT(compare_perplexities(base, other).error().message, HasSubstr("different tokenizers (fp16 has aa"));
  other.provenance.tokenizer = "aa";
  EXPECT_TRUE(compare_runs(base, other, Scorer::lm_eval));
  EXPECT_TRUE(compare_perplexities(base, other));
}

TEST(RunNames, TellModelsApartWhereThereAreSeveral) {
  const auto names = [](const std::vector<std::pair<std::string, std::string>>& models) {
    std::vector<RunResult> runs;
    for (const auto& [path, fingerprint] : models) {
      runs.push_back(answered_run("nf4", 1, 2));
      runs.back().provenance.checkpoint = path;
      runs.back().provenance.fingerprint = fingerprint;
    }
    tell_models_apart(runs);
    std::vector<std::string> list;
    for (const RunResult& run : runs) list.push_back(run_name(run));
    return list;
  };
  EXPECT_THAT(names({{"/m/a", "01"}, {"/m/a", "01"}}), ElementsAre("nf4", "nf4"));
  EXPECT_THAT(names({{"/m/a", "01"}, {"/m/b.gguf", "02"}}), ElementsAre("a nf4", "b nf4"));
  EXPECT_THAT(names({{"/m/a/", "0123456789"}, {"/n/a", "9876543210"}}),
              ElementsAre("a(01234567) nf4", "a(98765432) nf4"));
  EXPECT_THAT(names({{"/m/v1.5", "01"}, {"/m/v1.6", "02"}}), ElementsAre("v1.5 nf4", "v1.6 nf4"));
}

TEST(CompareRuns, RefusesAnotherTokenizer) {
  RunResult base = answered_run("fp16", 5, 10), other = answered_run("nf4", 5, 10);
  for (QaAnswer& answer : base.qa->answers) answer.prompt_tokens = 100;
  for (QaAnswer& answer : other.qa->answers) answer.prompt_tokens = 101;
  EXPECT_THAT(compare_runs(base, other, Scorer::lm_eval).error().message, HasSubstr("different tokenizers"));
}

/// A run whose divergence from fp32 has these windows of a text, of `asked`.
RunResult divergence_of(std::initializer_list<std::int64_t> windows, std::int64_t asked) {
  RunResult run = answered_run("nf4", 1, 2);
  run.kl.emplace();
  run.kl->base = "fp32";
  run.kl->text_hash = "text";
  run.kl->asked = asked;
  for (const std::int64_t index : windows) run.kl->result.chunks.emplace_back().index = index;
  return run;
}

TEST(CheckDivergences, RefusesWhatCannotStandBesideEachOther) {
  const RunResult first = divergence_of({0, 1, 2}, 3);
  const auto refusal = [&](const RunResult& other) {
    const auto same = check_divergences(first, other);
    return same ? std::string("same") : same.error().message;
  };
  EXPECT_EQ(refusal(first), "same");
  EXPECT_EQ(refusal(divergence_of({0, 2}, 3)), "same");  // has not finished
  EXPECT_THAT(refusal(divergence_of({0, 1}, 2)), HasSubstr("different windows: nf4 has 3 and nf4 2, 2 of them"));
  const auto changed = [&](const auto& change) {
    RunResult other = first;
    change(other);
    return refusal(other);
  };
  EXPECT_THAT(changed([](RunResult& run) { run.kl->base = "fp16"; }), HasSubstr("different bases (fp32 and fp16)"));
  EXPECT_THAT(changed([](RunResult& run) { run.kl->text_hash = "x"; }), HasSubstr("different texts"));
  EXPECT_THAT(changed([](RunResult& run) { run.kl->task.protocol = "x"; }), HasSubstr("different protocols"));
  EXPECT_THAT(changed([](RunResult& run) { run.provenance.fingerprint = "x"; }), HasSubstr("different checkpoints"));
  EXPECT_THAT(changed([](RunResult& run) { run.kl.reset(); }), HasSubstr("need a KL divergence"));
}

}  // namespace
}  // namespace quantscope
