// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quantscope {

/// Mean of scores with its standard error sqrt(sum (x - mean)^2 / (n - 1) / n); error 0 for n < 2.
struct MeanEstimate {
  double mean = 0;
  double error = 0;  ///< standard error
  std::int64_t n = 0;

  /// One value says nothing about the spread of others.
  bool has_error() const { return n > 1; }
};
MeanEstimate estimate_mean(std::span<const double> values);

/// Paired comparison of two runs on the same items (other minus base).
struct PairedComparison {
  std::int64_t n = 0;         ///< items
  std::int64_t clusters = 0;  ///< groups of items that are resampled together
  double difference = 0;      ///< mean of other - base
  double error = 0;           ///< standard error of the difference, clusters taken as independent
  double low = 0;             ///< 95 % bootstrap percentile interval of the difference
  double high = 0;
  double p = 1;                   ///< sign-flip permutation, two-sided
  std::int64_t flips_worse = 0;   ///< exact match: right -> wrong
  std::int64_t flips_better = 0;  ///< wrong -> right
  double mcnemar_p = 1;           ///< of the flips, items taken as independent
  std::int64_t n_needed = 0;      ///< items to resolve this difference with 80 % power; 0: cannot be said
  std::int64_t asked = 0;         ///< items that both runs were asked for: more than n where one has not finished
  /// The interval does not hold 0. One cluster alone has no spread to estimate an interval from.
  bool resolved() const { return clusters > 1 && (low > 0 || high < 0); }
};

/// `clusters[i]` groups items that are resampled together (turns of one story); empty: each item by itself. `seed`
/// makes bootstrap and permutation repeatable. em spans may be empty (no flips then); an item is right when its em is
/// above 0, which under leave-one-out means that it matches at least one reference. Spans of different lengths are cut
/// to the shortest. Interval: 10,000 resamples of whole clusters, mean over the items drawn, 2.5 and 97.5 % quantiles
/// by linear interpolation. Permutation: sign_flip_p of the clusters' sums, so that whole clusters flip. Error of C > 1
/// clusters: sqrt(C / (C - 1) sum (own sum - own items d)^2) / n. Needed: ceil(n (2.801585 error / d)^2), 80 % power.
PairedComparison compare_paired(std::span<const double> base, std::span<const double> other,
                                std::span<const std::int64_t> clusters, std::span<const double> base_em,
                                std::span<const double> other_em, std::uint64_t seed);

/// Share of all 2^n sign patterns with |sum| >= |observed sum|, up to a slack of 1e-9 of the sum of magnitudes, so that
/// sums which differ only by rounding count as equal. Differences of 0 change no sum and are left out; more than 16
/// others are judged by 100,000 random patterns, the observed one counted as one more: (1 + hits) / (1 + 100,000).
double sign_flip_p(std::span<const double> differences, std::uint64_t seed);
/// Two-sided binomial, min(1, 2 P(X <= min(b, c))); 1 for b = c = 0.
double mcnemar_exact_p(std::int64_t worse, std::int64_t better);
/// Holm-adjusted p values in input order: for the i-th smallest of m, the largest of (m - j) p_j for j <= i (from 0),
/// at most 1. Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (1979).
std::vector<double> holm_adjust(std::span<const double> p);

}  // namespace quantscope
