// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "core/evaluate/bootstrap.h"

namespace quantscope {
namespace {

constexpr double normal_quantile_975 = 1.959964;
constexpr double normal_quantile_80 = 0.841621;

/// Of the mean of all items, from how the clusters' sums spread about what their numbers of items would give them. With
/// one item a cluster it is that of estimate_mean().
double clustered_error(std::span<const Cluster> clusters, const MeanEstimate& mean) {
  if (clusters.size() < 2) return 0;
  double squares = 0;
  for (const Cluster& cluster : clusters) {
    const double rest = cluster.sum - static_cast<double>(cluster.items) * mean.mean;
    squares += rest * rest;
  }
  const auto count = static_cast<double>(clusters.size());
  return std::sqrt(count / (count - 1) * squares) / static_cast<double>(mean.n);
}

/// In clusters like those at hand: the error falls as the root of the number of items. The two-sided 5 % test with 80 %
/// power.
std::int64_t items_needed(const PairedComparison& pair) {
  if (pair.difference == 0 || pair.clusters < 2) return 0;
  const double ratio = (normal_quantile_975 + normal_quantile_80) * pair.error / std::abs(pair.difference);
  const double needed = std::max(1.0, std::ceil(static_cast<double>(pair.n) * ratio * ratio));
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  return needed < static_cast<double>(most) ? static_cast<std::int64_t>(needed) : most;
}

std::vector<double> differences_of(std::span<const double> base, std::span<const double> other) {
  std::vector<double> differences(std::min(base.size(), other.size()));
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] = other[i] - base[i];
  return differences;
}

void count_flips(std::span<const double> base_em, std::span<const double> other_em, PairedComparison& result) {
  for (std::size_t i = 0; i < std::min(base_em.size(), other_em.size()); ++i) {
    const bool was_right = base_em[i] > 0, is_right = other_em[i] > 0;
    if (was_right && !is_right) ++result.flips_worse;
    if (!was_right && is_right) ++result.flips_better;
  }
  result.mcnemar_p = mcnemar_exact_p(result.flips_worse, result.flips_better);
}

std::vector<double> sums_of(std::span<const Cluster> clusters) {
  std::vector<double> sums;
  sums.reserve(clusters.size());
  for (const Cluster& cluster : clusters) sums.push_back(cluster.sum);
  return sums;
}

/// A number as mantissa * 2^exponent, for products that leave the range of double.
struct Scaled {
  double mantissa = 1;
  std::int64_t exponent = 0;

  void multiply(double factor) {
    int shift = 0;
    mantissa = std::frexp(mantissa * factor, &shift);
    exponent += shift;
  }
};

/// P(X = k) of n fair coins: the product of (n - k + j) / j for j = 1..k, over 2^n.
double fair_binomial(std::int64_t k, std::int64_t n) {
  Scaled probability;
  for (std::int64_t j = 1; j <= k; ++j) probability.multiply(static_cast<double>(n - k + j) / static_cast<double>(j));
  constexpr std::int64_t lowest = -100'000;  // any exponent that makes 0 of a double
  return std::ldexp(probability.mantissa, static_cast<int>(std::max(probability.exponent - n, lowest)));
}

}  // namespace

MeanEstimate estimate_mean(std::span<const double> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  if (n == 0) return {};
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  if (n < 2) return {mean, 0, n};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n)), n};
}

PairedComparison compare_paired(std::span<const double> base, std::span<const double> other,
                                std::span<const std::int64_t> clusters, std::span<const double> base_em,
                                std::span<const double> other_em, std::uint64_t seed) {
  std::vector<double> differences = differences_of(base, other);
  if (!clusters.empty()) differences.resize(std::min(differences.size(), clusters.size()));
  PairedComparison result;
  if (differences.empty()) return result;
  const MeanEstimate mean = estimate_mean(differences);
  const std::vector<Cluster> groups = cluster_values(differences, clusters);
  const Interval interval = bootstrap_interval(groups, seed);
  result.n = result.asked = mean.n;
  result.clusters = static_cast<std::int64_t>(groups.size());
  result.difference = mean.mean;
  result.error = clustered_error(groups, mean);
  result.low = interval.low;
  result.high = interval.high;
  result.p = sign_flip_p(sums_of(groups), seed);
  result.n_needed = items_needed(result);
  count_flips(base_em, other_em, result);
  return result;
}

double mcnemar_exact_p(std::int64_t worse, std::int64_t better) {
  const std::int64_t n = worse + better, k = std::min(worse, better);
  if (n <= 0) return 1;
  // From the largest term down to the smallest; each follows from the one before.
  double term = fair_binomial(k, n), tail = 0;
  for (std::int64_t i = k; i >= 0 && term > 0; --i) {
    tail += term;
    term *= static_cast<double>(i) / static_cast<double>(n - i + 1);
  }
  return std::min(1.0, 2 * tail);
}

std::vector<double> holm_adjust(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, static_cast<double>(p.size() - rank) * p[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace quantscope
