// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/report/sentences.h"
#include "core/report/tables.h"
#include "tests/support/answered_run.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using testing::answered_run;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string verdict(int right, int total, int configurations = 1) {
  std::vector<RunResult> runs = {answered_run("fp16", total, total)};
  for (int i = 0; i < configurations; ++i) runs.push_back(answered_run("nf4", right, total));
  return pair_rows(runs).back().verdict;
}

TEST(Verdict, ALargeLossOnManyQuestionsIsWorse) { EXPECT_EQ(verdict(20, 60), "worse"); }

TEST(Verdict, OneFlipIsNotResolved) { EXPECT_EQ(verdict(59, 60), "not resolved at n = 60"); }

TEST(Verdict, SevenFlipsAreWorseAloneButNotAmongManyComparisons) {
  EXPECT_EQ(verdict(53, 60), "worse");
  const std::string among_many = verdict(53, 60, 10);
  EXPECT_EQ(among_many, "not resolved among all comparisons at n = 60, though its own interval leaves out 0");
}

TEST(Verdict, RunsThatCannotBePairedSayWhy) {
  RunResult other = answered_run("nf4", 1, 2);
  other.qa->dataset_hash = "another";
  const std::vector<RunResult> runs = {answered_run("fp16", 2, 2), other};
  const auto rows = pair_rows(runs);
  EXPECT_FALSE(rows.front().comparison);
  EXPECT_THAT(rows.front().verdict, HasSubstr("different datasets"));
}

TEST(Verdict, OfARunThatHasNotFinishedSaysOfHowMany) {
  const auto verdict_of = [](int right, int answered) {
    RunResult other = answered_run("nf4", right, answered);
    other.qa->asked = 90;
    other.state = RunState::stopped;
    const std::vector<RunResult> runs = {answered_run("fp16", 90, 90), other};
    EXPECT_THAT(pairs_csv(runs), HasSubstr("at n = 60 of 90"));
    return pair_rows(runs).front().verdict;
  };
  EXPECT_EQ(verdict_of(59, 60), "not resolved at n = 60 of 90");
  EXPECT_EQ(verdict_of(20, 60), "worse at n = 60 of 90 so far");
}

TEST(F1Pairs, HasARowForEachRunAndCorrectsAsTheTableOfPairs) {
  RunResult elsewhere = answered_run("int8", 1, 2);
  elsewhere.qa->dataset_hash = "another";
  const std::vector<RunResult> runs = {answered_run("fp16", 60, 60), answered_run("nf4", 53, 60), elsewhere,
                                       answered_run("fp4", 52, 60)};
  const std::vector<const RunResult*> others = {&runs[1], &runs[2], &runs[3]};
  const auto rows = f1_pairs(runs[0], others, Scorer::lm_eval);
  const auto table = pair_rows(runs);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FALSE(rows[1].comparison);
  EXPECT_FALSE(rows[1].resolved());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].configuration, run_name(*others[i]));
    EXPECT_EQ(rows[i].p_holm, table[i].p_holm);
    EXPECT_EQ(rows[i].verdict, table[i].verdict);
  }
  // Holm: the smallest p of two counts twice, the other at least as much.
  EXPECT_EQ(rows[2].p_holm, 2 * rows[2].comparison->p);
  EXPECT_EQ(rows[0].p_holm, std::max(rows[2].p_holm, rows[0].comparison->p));
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(f1_pairs(runs[0], others, Scorer::lm_eval, source.get_token()).empty());
}

/// A run over a text of windows of 10 scored tokens each.
RunResult answered_run(const std::string& configuration, const std::vector<double>& nll_sums) {
  RunResult run;
  run.request.settings = testing::value_of(parse_configuration(configuration));
  run.perplexity.emplace();
  run.perplexity->text_name = "text.txt";
  run.perplexity->text_hash = "same";
  run.perplexity->task.protocol = "ppl-llama.cpp-512";
  std::vector<PerplexityChunk> chunks;
  for (const double sum : nll_sums) chunks.push_back({std::ssize(chunks), sum, sum * sum / 10, 10});
  run.perplexity->result = summarize_perplexity(std::move(chunks), 80);
  return run;
}

PairRow only_row(const RunResult& base, const RunResult& other) {
  const auto rows = pair_rows(std::vector<RunResult>{base, other});
  EXPECT_EQ(rows.size(), 1U);
  return rows.front();
}

TEST(PerplexityPairs, EqualFiguresByHand) {
  const RunResult base = answered_run("fp32", {20, 22, 24, 26}), other = answered_run("nf4", {21, 23.5, 24.5, 28});
  // Differences of the windows' means: 0.1, 0.15, 0.05, 0.2.
  const PairRow row = only_row(base, other);
  ASSERT_TRUE(row.comparison);
  EXPECT_EQ(row.figure, PairFigure::perplexity);
  EXPECT_EQ(row.comparison->n, 4);
  EXPECT_NEAR(row.comparison->difference, 0.125, 1e-12);
  EXPECT_NEAR(row.comparison->difference,
              std::log(other.perplexity->result.perplexity / base.perplexity->result.perplexity), 1e-12);
  EXPECT_NEAR(row.comparison->error, std::sqrt(0.0125 / 3 / 4), 1e-12);
  EXPECT_NEAR(row.comparison->p, 2.0 / 16, 1e-12);  // all four point the same way
  EXPECT_EQ(row.comparison->n_needed, 3);           // (2.801585 * 0.0645497 / 0.125)^2 = 2.09
  EXPECT_GT(row.comparison->low, 0.05);
  EXPECT_LT(row.comparison->high, 0.2);
  EXPECT_EQ(row.verdict, "not resolved at n = 4 windows");
}

TEST(PerplexityPairs, AHighPerplexityIsWorse) {
  std::vector<double> base, other;
  for (int i = 0; i < 12; ++i) {
    base.push_back(20 + i);
    other.push_back(20.5 + i + 0.1 * (i % 3));
  }
  EXPECT_EQ(only_row(answered_run("fp32", base), answered_run("nf4", other)).verdict, "worse");
  EXPECT_EQ(only_row(answered_run("nf4", other), answered_run("fp32", base)).verdict, "better");
  EXPECT_NEAR(only_row(answered_run("fp32", base), answered_run("nf4", other)).comparison->p, 2.0 / 4096, 1e-12);
}

TEST(PerplexityPairs, WhatIsNotResolvedIsCalledNeitherBetterNorWorse) {
  std::vector<double> base, other;
  for (int i = 0; i < 12; ++i) {
    base.push_back(20 + i);
    other.push_back(20 + i + (i % 2 == 0 ? 0.5 : -0.4));
  }
  const PairRow row = only_row(answered_run("fp32", base), answered_run("nf4", other));
  EXPECT_EQ(row.verdict, "not resolved at n = 12 windows");
  const std::string sentence = pair_sentence(row);
  EXPECT_THAT(sentence, StartsWith("nf4 against fp32: ln(PPL / base PPL) +0.00500 ± 0.01357 ["));
  EXPECT_THAT(sentence, HasSubstr("windows would resolve a difference of this size"));
}

TEST(PerplexityPairs, OfAnUnfinishedRunTakeTheWindowsThatItHas) {
  const RunResult base = answered_run("fp32", {20, 22, 24, 26});
  RunResult other = answered_run("nf4", {90, 23, 25, 90});
  auto& chunks = other.perplexity->result.chunks;
  chunks = {chunks[1], chunks[2]};
  EXPECT_THAT(only_row(base, other).verdict, HasSubstr("different windows: fp32 has 4 and nf4 2, 2 of them in common"));
  other.state = RunState::stopped;
  other.perplexity->asked = 4;
  const PairRow row = only_row(base, other);
  ASSERT_TRUE(row.comparison);
  EXPECT_EQ(row.verdict, "not resolved at n = 2 of 4 windows");
  EXPECT_EQ(row.comparison->n, 2);
  EXPECT_NEAR(row.comparison->difference, 0.1, 1e-12);
}

TEST(PerplexityPairs, RefuseWhatDoesNotMeanTheSame) {
  const RunResult base = answered_run("fp32", {20, 22});
  const auto refusal = [&](const auto& change) {
    RunResult other = answered_run("nf4", {20, 22});
    change(*other.perplexity);
    const PairRow row = only_row(base, other);
    return row.comparison ? std::string("compared") : pair_sentence(row);
  };
  EXPECT_EQ(refusal([](PerplexityOutcome&) {}), "compared");
  EXPECT_THAT(refusal([](PerplexityOutcome& text) { text.text_hash = "x"; }), HasSubstr("different texts"));
  EXPECT_THAT(refusal([](PerplexityOutcome& text) { text.task.protocol = "ppl-gptq-2048"; }),
              HasSubstr("different protocols (ppl-llama.cpp-512 and ppl-gptq-2048)"));
  EXPECT_THAT(refusal([](PerplexityOutcome& text) { text.result.tokens = 81; }),
              HasSubstr("different tokenizers (80 and 81 tokens"));
  EXPECT_THAT(refusal([](PerplexityOutcome& text) { text.result.chunks[1].scored = 9; }), HasSubstr("Window 1 has no"));
  EXPECT_THAT(refusal([](PerplexityOutcome& text) { text.result.chunks[0].nll_sum = std::nan(""); }),
              HasSubstr("Window 0 has no"));
  EXPECT_THAT(refusal([](PerplexityOutcome& text) {
                for (PerplexityChunk& chunk : text.result.chunks) chunk.index += 5;
              }),
              HasSubstr("0 of them in common"));
}

TEST(PerplexityPairs, ARunWithItsOwnDivergenceHasNoRow) {
  RunResult other = answered_run("nf4", {21, 23});
  other.kl.emplace();
  EXPECT_TRUE(pair_rows(std::vector<RunResult>{answered_run("fp32", {20, 22}), other}).empty());
}

TEST(PerplexityPairs, AreAFamilyOfTheirOwn) {
  std::vector<RunResult> runs = {answered_run("fp16", 60, 60), answered_run("nf4", 53, 60)};
  const RunResult base = answered_run("fp16", {20, 22}), other = answered_run("nf4", {21, 23});
  runs[0].perplexity = base.perplexity;
  runs[1].perplexity = other.perplexity;
  const auto rows = pair_rows(runs);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].p_holm, rows[0].comparison->p);
  EXPECT_EQ(rows[1].figure, PairFigure::perplexity);
  EXPECT_EQ(rows[1].p_holm, rows[1].comparison->p);
  const std::string csv = pairs_csv(runs);
  EXPECT_THAT(csv, HasSubstr("nf4,fp16,f1,lm-eval,60,"));
  EXPECT_THAT(csv, HasSubstr("nf4,fp16,ln_perplexity_ratio,,2,0."));
}

/// -ln p(target) of each position, in float64.
std::vector<double> nlls_of(const testing::OracleTensor& logits, const std::vector<std::int64_t>& targets) {
  const auto values = logits.as<float>();
  const auto vocabulary = static_cast<std::size_t>(logits.shape.at(1));
  std::vector<double> nlls;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < vocabulary; ++j) sum += std::exp(double{values[i * vocabulary + j]});
    nlls.push_back(std::log(sum) - double{values[i * vocabulary + static_cast<std::size_t>(targets[i])]});
  }
  return nlls;
}

TEST(PerplexityPairs, EqualTheReferencesRatio) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/metrics";
  const auto tensors = testing::read_oracle(folder / "metrics.safetensors");
  std::ifstream file(folder / "kl.json");
  const auto expected = nlohmann::json::parse(file).at("small");
  const auto& stored = tensors.at("small.targets");
  const auto narrow = stored.as<std::int32_t>();
  const auto targets =
      stored.dtype == "I64" ? stored.as<std::int64_t>() : std::vector<std::int64_t>(narrow.begin(), narrow.end());
  const auto sums = [&](const char* name) {
    const auto nlls = nlls_of(tensors.at(name), targets);
    std::vector<double> windows;
    for (std::size_t i = 0; i < nlls.size(); i += 10)
      windows.push_back(std::accumulate(nlls.begin() + static_cast<std::ptrdiff_t>(i),
                                        nlls.begin() + static_cast<std::ptrdiff_t>(i) + 10, 0.0));
    return windows;
  };
  const PairRow row =
      only_row(answered_run("fp32", sums("small.base_logits")), answered_run("nf4", sums("small.other_logits")));
  EXPECT_EQ(row.comparison->n, 12);
  EXPECT_NEAR(row.comparison->difference, expected.at("mean_log_ratio").get<double>(), 1e-10);
  EXPECT_THAT(row.verdict, StartsWith("not resolved"));
}

}  // namespace
}  // namespace quantscope
