// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/kl_statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quantscope {
namespace {

double delta_p_of(const HeadPair& pair) { return std::exp(pair.log_probability) - std::exp(pair.base_log_probability); }

/// One figure of every token.
template <class Figure>
std::vector<double> values_of(const std::vector<KlChunk>& chunks, const Figure& figure) {
  std::vector<double> values;
  for (const KlChunk& chunk : chunks)
    for (const HeadPair& pair : chunk.tokens) values.push_back(figure(pair));
  return values;
}

/// NaN, as of a model that overflows, comes last.
bool is_less(double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); }

KlPercentiles percentiles_of(std::vector<double> values) {
  std::ranges::sort(values, is_less);
  KlPercentiles percentiles;
  for (std::size_t i = 0; i < kl_fractions.size(); ++i) percentiles[i] = percentile_of(values, kl_fractions[i]);
  return percentiles;
}

/// sqrt(mean of x^2), its error by the first-order expansion.
ValueWithError root_mean_square(const std::vector<double>& values) {
  std::vector<double> squares;
  squares.reserve(values.size());
  for (const double value : values) squares.push_back(value * value);
  const MeanEstimate mean = estimate_mean(squares);
  const double root = std::sqrt(mean.mean);
  return {root, root > 0 ? 0.5 * mean.error / root : 0};
}

double correlation_of(const std::vector<double>& a, const MeanEstimate& mean_a, const std::vector<double>& b,
                      const MeanEstimate& mean_b) {
  const auto n = static_cast<double>(a.size());
  if (mean_a.error == 0 || mean_b.error == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a.mean) * (b[i] - mean_b.mean);
  return sum / n / (n - 1) / (mean_a.error * mean_b.error);
}

ValueWithError exponential_of(const MeanEstimate& estimate) {
  const double value = std::exp(estimate.mean);
  return {value, value * estimate.error};
}

}  // namespace

double percentile_of(std::span<const double> sorted, double fraction) {
  if (sorted.empty()) return 0;
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return (1 - part) * sorted[below] + part * sorted[above];
}

KlChunk summarize_kl_chunk(std::int64_t index, std::vector<HeadPair> tokens) {
  KlChunk chunk;
  chunk.index = index;
  chunk.scored = std::ssize(tokens);
  for (const HeadPair& pair : tokens) {
    const double delta_p = delta_p_of(pair);
    chunk.kl_sum += pair.divergence;
    chunk.nll_sum -= pair.log_probability;
    chunk.base_nll_sum -= pair.base_log_probability;
    chunk.delta_p_square_sum += delta_p * delta_p;
    chunk.same_top += pair.same_top ? 1 : 0;
  }
  chunk.tokens = std::move(tokens);
  return chunk;
}

KlResult summarize_kl(std::vector<KlChunk> chunks, std::int64_t tokens) {
  KlResult result;
  auto divergence = values_of(chunks, [](const HeadPair& pair) { return pair.divergence; });
  auto delta_p = values_of(chunks, delta_p_of);
  const auto nll = values_of(chunks, [](const HeadPair& pair) { return -pair.log_probability; });
  const auto base_nll = values_of(chunks, [](const HeadPair& pair) { return -pair.base_log_probability; });
  result.scored = std::ssize(nll);
  result.tokens = tokens;
  result.divergence = estimate_mean(divergence);
  result.divergence_percentiles = percentiles_of(std::move(divergence));
  result.same_top = estimate_mean(values_of(chunks, [](const HeadPair& pair) { return pair.same_top ? 1.0 : 0.0; }));
  result.delta_p = estimate_mean(delta_p);
  result.rms_delta_p = root_mean_square(delta_p);
  result.delta_p_percentiles = percentiles_of(std::move(delta_p));
  result.nll = estimate_mean(nll);
  result.base_nll = estimate_mean(base_nll);
  result.log_ratio = estimate_mean(
      values_of(chunks, [](const HeadPair& pair) { return pair.base_log_probability - pair.log_probability; }));
  result.nll_correlation = correlation_of(nll, result.nll, base_nll, result.base_nll);
  result.chunks = std::move(chunks);
  return result;
}

ValueWithError KlResult::perplexity() const { return exponential_of(nll); }

ValueWithError KlResult::base_perplexity() const { return exponential_of(base_nll); }

ValueWithError KlResult::perplexity_ratio() const { return exponential_of(log_ratio); }

ValueWithError KlResult::perplexity_difference() const {
  const ValueWithError own = perplexity();
  const ValueWithError base = base_perplexity();
  const double variance =
      own.error * own.error + base.error * base.error - 2 * nll_correlation * own.error * base.error;
  return {own.value - base.value, std::sqrt(std::max(0.0, variance))};
}

double KlResult::at(const KlPercentiles& percentiles, double fraction) {
  const auto found = std::ranges::find(kl_fractions, fraction);
  return found == kl_fractions.end() ? std::nan("")
                                     : percentiles[static_cast<std::size_t>(found - kl_fractions.begin())];
}

}  // namespace quantscope
