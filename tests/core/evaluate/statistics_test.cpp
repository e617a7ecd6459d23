// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/evaluate/random.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;
using Values = std::vector<double>;

json reference_cases(const char* function) {
  std::ifstream file(testing::shared_folder() / "reference/metrics/statistics.json");
  return json::parse(file).at(function);
}

TEST(SignFlip, EqualsTheExactShares) {
  QUANTSCOPE_REQUIRE_SHARED();
  for (const json& entry : reference_cases("sign_flip_exact")) {
    const double expected = entry.at("p");
    EXPECT_NEAR(sign_flip_p(entry.at("differences").get<Values>(), 1), expected, 1e-12 * expected) << entry;
  }
}

TEST(SignFlip, DoesNotDependOnOrderSignOrZeros) {
  const Values differences = {0.5, -0.25, 0.75, 0.1, 0.3, -0.05};
  const double p = sign_flip_p(differences, 1);
  Values changed(differences.rbegin(), differences.rend());
  for (double& value : changed) value = -value;
  changed.insert(changed.end(), 40, 0.0);
  EXPECT_DOUBLE_EQ(sign_flip_p(changed, 1), p);
}

TEST(SignFlip, RandomPatternsAgreeWithTheNormalLimit) {
  // 400 differences of +-1, 230 of them positive: z = 60 / 20, two-sided p with continuity correction 0.00318.
  Values differences(400, 1.0);
  std::fill(differences.begin(), differences.begin() + 170, -1.0);
  EXPECT_NEAR(sign_flip_p(differences, 5), 0.00318, 0.0008);
  EXPECT_EQ(sign_flip_p(differences, 5), sign_flip_p(differences, 5));
  EXPECT_NE(sign_flip_p(differences, 5), sign_flip_p(differences, 6));
}

/// All sign patterns one by one.
double plain_share(const Values& differences) {
  const auto sum_under = [&](std::uint32_t pattern) {
    double sum = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      sum += ((pattern >> i) & 1U) != 0 ? -differences[i] : differences[i];
    }
    return std::abs(sum);
  };
  const std::uint32_t patterns = 1U << differences.size();
  double hits = 0;
  for (std::uint32_t pattern = 0; pattern < patterns; ++pattern) hits += sum_under(pattern) >= sum_under(0) - 1e-9;
  return hits / patterns;
}

TEST(SignFlip, RandomPatternsAgreeWithTheExactShare) {
  const Values differences = {0.5, -0.25, 0.75,  0.1,  0.3,  -0.05, 0.2,  0.4, -0.3,
                              0.6, 0.15,  -0.45, 0.35, 0.55, -0.1,  0.25, 0.07};
  const double exact = plain_share(differences);
  EXPECT_NEAR(sign_flip_p(differences, 1), exact, 4 * std::sqrt(exact * (1 - exact) / 100'000));
}

TEST(SignFlip, IsNeverZeroAndOneWithoutEvidence) {
  EXPECT_GT(sign_flip_p(Values(1000, 1.0), 1), 0.0);
  EXPECT_LT(sign_flip_p(Values(1000, 1.0), 1), 2e-5);
  EXPECT_EQ(sign_flip_p({}, 1), 1.0);
  EXPECT_EQ(sign_flip_p(Values(30, 0.0), 1), 1.0);
}

TEST(McNemar, EqualsTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  for (const json& entry : reference_cases("mcnemar_exact")) {
    const double expected = entry.at("p");
    EXPECT_NEAR(mcnemar_exact_p(entry.at("b"), entry.at("c")), expected, 1e-12 * expected) << entry;
  }
}

TEST(McNemar, HoldsFarBeyondTheRangeOfDouble) {
  EXPECT_DOUBLE_EQ(mcnemar_exact_p(5000, 5000), 1.0);
  EXPECT_EQ(mcnemar_exact_p(0, 100'000), 0.0);
  // Normal limit with continuity correction: z = (5100 - 4900 - 1) / 100.
  EXPECT_NEAR(mcnemar_exact_p(5100, 4900), std::erfc(1.99 / std::sqrt(2.0)), 1e-4);
}

TEST(Holm, EqualsTheReference) {
  QUANTSCOPE_REQUIRE_SHARED();
  for (const json& entry : reference_cases("holm")) {
    const Values adjusted = holm_adjust(entry.at("p").get<Values>());
    ASSERT_EQ(adjusted.size(), entry.at("adjusted").size());
    for (std::size_t i = 0; i < adjusted.size(); ++i) {
      const double expected = entry.at("adjusted").at(i);
      EXPECT_NEAR(adjusted[i], expected, 1e-12 * expected) << entry;
    }
  }
  EXPECT_TRUE(holm_adjust({}).empty());
}

TEST(EstimateMean, HasTheStandardErrorOfTheMean) {
  const MeanEstimate estimate = estimate_mean(Values{1, 2, 3, 6});
  EXPECT_DOUBLE_EQ(estimate.mean, 3.0);
  EXPECT_DOUBLE_EQ(estimate.error, std::sqrt(14.0 / 3 / 4));
  EXPECT_EQ(estimate.n, 4);
  EXPECT_EQ(estimate_mean(Values{5}).error, 0.0);
  EXPECT_EQ(estimate_mean({}).n, 0);
}

TEST(ComparePaired, IntervalEqualsTheReferenceWithinMonteCarloNoise) {
  QUANTSCOPE_REQUIRE_SHARED();
  const json expected = reference_cases("paired_bootstrap");
  const auto tensors = testing::read_oracle(testing::shared_folder() / "reference/metrics/metrics.safetensors");
  const auto base = tensors.at("bootstrap.base").as<double>(), other = tensors.at("bootstrap.other").as<double>();
  const double tolerance = expected.at("tolerance_ci_with_10000_resamples");
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    const PairedComparison comparison = compare_paired(base, other, {}, {}, {}, seed);
    EXPECT_EQ(comparison.n, expected.at("items").get<std::int64_t>());
    EXPECT_NEAR(comparison.difference, expected.at("observed_mean_difference").get<double>(), 1e-12);
    EXPECT_NEAR(comparison.low, expected.at("ci95").at(0).get<double>(), tolerance);
    EXPECT_NEAR(comparison.high, expected.at("ci95").at(1).get<double>(), tolerance);
    EXPECT_NEAR(comparison.p, expected.at("p_two_tail").get<double>(), 0.003);
    EXPECT_TRUE(comparison.resolved());
  }
}

/// 60 items in pairs of the same value, differences of mean about 0.
struct PairedItems {
  Values base = Values(60, 0.0), other;
  std::vector<std::int64_t> stories;

  PairedItems() {
    Pcg32 random(11);
    for (std::int64_t story = 0; story < 30; ++story) {
      const double value = random.below(1000) / 1000.0 - 0.5;
      other.insert(other.end(), {value, value});
      stories.insert(stories.end(), {story * 1000, story * 1000});
    }
  }
};

TEST(ComparePaired, ClustersWidenTheIntervalOfCorrelatedItems) {
  const PairedItems items;
  const auto apart = compare_paired(items.base, items.other, {}, {}, {}, 3);
  const auto together = compare_paired(items.base, items.other, items.stories, {}, {}, 3);
  EXPECT_EQ(apart.clusters, 60);
  EXPECT_EQ(together.clusters, 30);
  EXPECT_DOUBLE_EQ(apart.difference, together.difference);
  EXPECT_NEAR((together.high - together.low) / (apart.high - apart.low), std::sqrt(2.0), 0.06);
  EXPECT_GT(together.p, apart.p);
  EXPECT_NEAR(together.error * together.error / (apart.error * apart.error), 2.0 * 59 / 58, 1e-12);
  EXPECT_NEAR(static_cast<double>(together.n_needed) / static_cast<double>(apart.n_needed), 2.0 * 59 / 58, 0.01);
}

TEST(ComparePaired, ErrorOfClustersByHand) {
  const Values base(5, 0.0), other = {1, 0, 1, 2, 1};
  const std::vector<std::int64_t> stories = {7, 7, 8, 8, 9};
  const auto pair = compare_paired(base, other, stories, {}, {}, 1);
  // d = 1; the sums 1, 3, 1 are -1, 1, 0 away from 2 d, 2 d, d.
  EXPECT_DOUBLE_EQ(pair.error, std::sqrt(3.0 / 2 * 2) / 5);
  EXPECT_EQ(pair.n_needed, 5);  // 5 * 2.801585^2 * 0.12 = 4.71
  const auto apart = compare_paired(base, other, {}, {}, {}, 1);
  EXPECT_DOUBLE_EQ(apart.error, estimate_mean(other).error);
  const std::vector<std::int64_t> one(5, 7);
  EXPECT_EQ(compare_paired(base, other, one, {}, {}, 1).n_needed, 0);
}

TEST(ComparePaired, IsRepeatableBySeedAndAntisymmetric) {
  const PairedItems items;
  const auto first = compare_paired(items.base, items.other, items.stories, {}, {}, 3);
  const auto again = compare_paired(items.base, items.other, items.stories, {}, {}, 3);
  const auto swapped = compare_paired(items.other, items.base, items.stories, {}, {}, 3);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.p, again.p);
  EXPECT_NEAR(swapped.low, -first.high, 1e-12);
  EXPECT_NEAR(swapped.high, -first.low, 1e-12);
  EXPECT_NE(compare_paired(items.base, items.other, items.stories, {}, {}, 4).low, first.low);
}

TEST(ComparePaired, CountsFlipsOfAnyMatch) {
  const Values base_em = {1, 1, 0, 0.5, 0, 1}, other_em = {0, 1, 1, 0, 0, 0.75};
  const auto comparison = compare_paired(base_em, other_em, {}, base_em, other_em, 1);
  EXPECT_EQ(comparison.flips_worse, 2);
  EXPECT_EQ(comparison.flips_better, 1);
  EXPECT_DOUBLE_EQ(comparison.mcnemar_p, 1.0);
}

TEST(ComparePaired, ItemsNeededFollowThePowerFormula) {
  const Values base(4, 0.0), other = {0.0, 0.0, 0.5, 0.5};
  // sd^2 = 1/12, mean = 1/4: (2.801585)^2 * (1/12) / (1/16) = 10.47
  EXPECT_EQ(compare_paired(base, other, {}, {}, {}, 1).n_needed, 11);
  EXPECT_EQ(compare_paired(base, base, {}, {}, {}, 1).n_needed, 0);
}

TEST(ComparePaired, ResolvesNothingFromOneClusterOrNoItems) {
  const Values base(4, 0.0), other(4, 0.5);
  const std::vector<std::int64_t> one_story(4, 7);
  EXPECT_FALSE(compare_paired(base, other, one_story, {}, {}, 1).resolved());
  const auto none = compare_paired({}, {}, {}, {}, {}, 1);
  EXPECT_EQ(none.n, 0);
  EXPECT_EQ(none.p, 1.0);
  EXPECT_FALSE(none.resolved());
}

TEST(ComparePaired, EqualRunsAreNotResolved) {
  const Values scores = {0.1, 0.9, 0.4, 1.0};
  const auto comparison = compare_paired(scores, scores, {}, scores, scores, 1);
  EXPECT_EQ(comparison.difference, 0.0);
  EXPECT_EQ(comparison.p, 1.0);
  EXPECT_FALSE(comparison.resolved());
}

}  // namespace
}  // namespace quantscope
