// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quantscope {

/// A group of items that are resampled together.
struct Cluster {
  double sum = 0;  ///< of its items' values
  std::int64_t items = 0;
};

/// Sums `values` by `labels` (empty: each value by itself), clusters in the order of their first item.
std::vector<Cluster> cluster_values(std::span<const double> values, std::span<const std::int64_t> labels);

struct Interval {
  double low = 0;
  double high = 0;
};

/// 95 % percentile interval of the mean over items, from 10,000 resamples of whole clusters with PCG32 (random.h).
/// Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
Interval bootstrap_interval(std::span<const Cluster> clusters, std::uint64_t seed);

}  // namespace quantscope
