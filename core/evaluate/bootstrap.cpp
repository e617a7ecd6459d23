// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <unordered_map>

#include "core/evaluate/random.h"

namespace quantscope {
namespace {

constexpr int resamples = 10'000;
constexpr std::uint64_t bootstrap_stream = 1;

double resampled_mean(std::span<const Cluster> clusters, Pcg32& random) {
  const auto count = static_cast<std::uint32_t>(clusters.size());
  double sum = 0;
  std::int64_t items = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Cluster& cluster = clusters[random.below(count)];
    sum += cluster.sum;
    items += cluster.items;
  }
  return sum / static_cast<double>(items);
}

/// Linear interpolation at fraction * (n - 1). Reorders `values`.
double quantile(std::vector<double>& values, double fraction) {
  const double position = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(std::floor(position));
  std::nth_element(values.begin(), values.begin() + below, values.end());
  const double low = values[static_cast<std::size_t>(below)];
  if (static_cast<std::size_t>(below) + 1 == values.size()) return low;
  const double high = *std::min_element(values.begin() + below + 1, values.end());
  return low + (high - low) * (position - static_cast<double>(below));
}

}  // namespace

std::vector<Cluster> cluster_values(std::span<const double> values, std::span<const std::int64_t> labels) {
  std::vector<Cluster> clusters;
  if (labels.empty()) {
    for (const double value : values) clusters.push_back({value, 1});
    return clusters;
  }
  std::unordered_map<std::int64_t, std::size_t> index;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [found, is_new] = index.emplace(labels[i], clusters.size());
    if (is_new) clusters.emplace_back();
    clusters[found->second].sum += values[i];
    ++clusters[found->second].items;
  }
  return clusters;
}

Interval bootstrap_interval(std::span<const Cluster> clusters, std::uint64_t seed) {
  if (clusters.empty()) return {};
  Pcg32 random(seed, bootstrap_stream);
  std::vector<double> means(resamples);
  std::ranges::generate(means, [&] { return resampled_mean(clusters, random); });
  const double low = quantile(means, 0.025);
  return {low, quantile(means, 0.975)};
}

}  // namespace quantscope
