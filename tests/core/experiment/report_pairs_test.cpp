// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/report_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/loaded_model.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A run whose first `right` of `total` questions, one a story, are answered right.
RunResult run_with(const std::string& configuration, int right, int total) {
  RunResult run;
  run.request.settings = testing::value_of(parse_configuration(configuration));
  run.qa.emplace();
  run.qa->dataset_hash = "same";
  for (int i = 0; i < total; ++i) {
    QaAnswer answer;
    answer.item = {static_cast<std::size_t>(i), 0};
    const double score = i < right ? 1.0 : 0.0;
    answer.scores.fill({score, score});
    run.qa->answers.push_back(answer);
  }
  return run;
}

std::string verdict(int right, int total, int configurations = 1) {
  std::vector<RunResult> runs = {run_with("fp16", total, total)};
  for (int i = 0; i < configurations; ++i) runs.push_back(run_with("nf4", right, total));
  return pair_rows(runs).back().verdict;
}

TEST(Verdict, ALargeLossOnManyQuestionsIsWorse) { EXPECT_EQ(verdict(20, 60), "worse"); }

TEST(Verdict, OneFlipIsNotResolved) { EXPECT_EQ(verdict(59, 60), "not resolved at n = 60"); }

TEST(Verdict, SevenFlipsAreWorseAloneButNotAmongManyComparisons) {
  EXPECT_EQ(verdict(53, 60), "worse");
  const std::string among_many = verdict(53, 60, 10);
  EXPECT_THAT(among_many, StartsWith("worse by its own interval"));
  EXPECT_THAT(among_many, HasSubstr("not resolved among all comparisons at n = 60"));
}

TEST(Verdict, RunsThatCannotBePairedSayWhy) {
  RunResult other = run_with("nf4", 1, 2);
  other.qa->dataset_hash = "another";
  const std::vector<RunResult> runs = {run_with("fp16", 2, 2), other};
  const auto rows = pair_rows(runs);
  EXPECT_FALSE(rows.front().comparison);
  EXPECT_THAT(rows.front().verdict, HasSubstr("different datasets"));
}

}  // namespace
}  // namespace quantscope
