// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/kl_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/cpu/reference/operations.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// Pairs of the reference's fp32 logits [positions, vocabulary], in float64.
std::vector<HeadPair> pairs_of(const testing::OracleFile& tensors, const std::string& name) {
  const auto base = tensors.at(name + ".base_logits");
  const auto other = tensors.at(name + ".other_logits").as<float>();
  const auto targets = tensors.at(name + ".targets");
  const auto vocabulary = static_cast<std::size_t>(base.shape.at(1));
  const std::vector<float> base_values = base.as<float>();
  const std::vector<double> wide(base_values.begin(), base_values.end()), other_wide(other.begin(), other.end());
  std::vector<HeadPair> pairs;
  for (std::size_t i = 0; i < static_cast<std::size_t>(base.shape.at(0)); ++i) {
    const auto target = targets.dtype == "I64" ? static_cast<std::int32_t>(targets.as<std::int64_t>()[i])
                                               : targets.as<std::int32_t>()[i];
    pairs.push_back(reference::compare_heads(std::span(wide).subspan(i * vocabulary, vocabulary),
                                             std::span(other_wide).subspan(i * vocabulary, vocabulary), target));
  }
  return pairs;
}

TEST(KlStatistics, EqualTheReferenceInEveryFigure) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/metrics";
  const auto tensors = testing::read_oracle(folder / "metrics.safetensors");
  std::ifstream file(folder / "kl.json");
  const json document = json::parse(file);
  for (const auto& [name, expected] : document.items()) {
    auto pairs = pairs_of(tensors, name);
    const auto kl = tensors.at(name + ".kl").as<double>();
    ASSERT_EQ(kl.size(), pairs.size());
    for (std::size_t i = 0; i < kl.size(); ++i) EXPECT_NEAR(pairs[i].divergence, kl[i], 1e-12);
    std::vector<HeadPair> first(pairs.begin(), pairs.begin() + 50);
    pairs.erase(pairs.begin(), pairs.begin() + 50);
    const KlResult result = summarize_kl({summarize_kl_chunk(0, first), summarize_kl_chunk(1, pairs)}, 999);
    EXPECT_EQ(result.tokens, 999);
    EXPECT_EQ(result.scored, expected.at("positions").get<std::int64_t>());
    const auto near = [&](double value, const char* key) {
      const double wanted = expected.at(key);
      EXPECT_NEAR(value, wanted, 1e-9 * std::abs(wanted) + 1e-12) << name << " " << key;
    };
    near(result.divergence.mean, "mean");
    near(result.divergence.error, "standard_error");
    const auto kl_at = [&](double fraction) { return KlResult::at(result.divergence_percentiles, fraction); };
    near(kl_at(0), "min");
    near(kl_at(0.5), "median");
    near(kl_at(0.9), "p90");
    near(kl_at(0.95), "p95");
    near(kl_at(0.99), "p99");
    near(kl_at(0.999), "p999");
    near(kl_at(1), "max");
    near(result.same_top.mean, "same_top_fraction");
    near(result.same_top.error, "same_top_standard_error");
    near(result.rms_delta_p.value, "rms_delta_p");
    near(result.delta_p.mean, "mean_delta_p");
    near(KlResult::at(result.delta_p_percentiles, 0.01), "delta_p_p1");
    near(KlResult::at(result.delta_p_percentiles, 0.99), "delta_p_p99");
    near(result.base_nll.mean, "mean_nll_base");
    near(result.nll.mean, "mean_nll_other");
    near(result.base_perplexity().value, "perplexity_base");
    near(result.perplexity().value, "perplexity_other");
    near(result.log_ratio.mean, "mean_log_ratio");
    near(result.log_ratio.error, "paired_se_of_mean_log_ratio");
    near(result.nll_correlation, "correlation_of_nll");
  }
}

/// The error of a paired ratio is that of its two sides with their covariance taken off, as llama.cpp computes it.
TEST(KlStatistics, PairedErrorsAgreeWithTheCovariance) {
  std::vector<HeadPair> pairs;
  for (int i = 0; i < 40; ++i) {
    const double base = -1.0 - 0.1 * (i * 7 % 13);
    pairs.push_back({base, base - 0.05 * (i * 5 % 11) + 0.1, 0.01 * i, i % 3 != 0});
  }
  const KlResult result = summarize_kl({summarize_kl_chunk(0, pairs)}, 0);
  const double covariance = result.nll_correlation * result.nll.error * result.base_nll.error;
  EXPECT_NEAR(
      result.log_ratio.error,
      std::sqrt(result.nll.error * result.nll.error + result.base_nll.error * result.base_nll.error - 2 * covariance),
      1e-12);
  EXPECT_NEAR(result.log_ratio.mean, result.nll.mean - result.base_nll.mean, 1e-12);
  EXPECT_NEAR(result.perplexity_ratio().value, result.perplexity().value / result.base_perplexity().value, 1e-12);
  EXPECT_NEAR(result.perplexity_difference().value, result.perplexity().value - result.base_perplexity().value, 1e-12);
  EXPECT_GT(result.perplexity_difference().error, 0);
  EXPECT_LT(result.perplexity_difference().error, result.perplexity().error + result.base_perplexity().error);
}

TEST(KlStatistics, PercentilesInterpolateAndNothingIsZero) {
  const std::vector<double> values = {1, 2, 4, 8};
  EXPECT_EQ(percentile_of(values, 0), 1);
  EXPECT_EQ(percentile_of(values, 1), 8);
  EXPECT_EQ(percentile_of(values, 0.5), 3);
  EXPECT_EQ(percentile_of({}, 0.5), 0);
  EXPECT_EQ(summarize_kl({}, 0).divergence.mean, 0);
  EXPECT_TRUE(std::isnan(KlResult::at({}, 0.42)));
}

}  // namespace
}  // namespace quantscope
