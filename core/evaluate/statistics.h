// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quantscope {

/// Mean of scores with its standard error sqrt(sum (x - mean)^2 / (n - 1) / n); error 0 for n < 2.
struct MeanEstimate {
  double mean = 0;
  double error = 0;
  std::int64_t n = 0;
};
MeanEstimate estimate_mean(std::span<const double> values);

/// Paired comparison of two runs on the same items (other minus base).
struct PairedComparison {
  std::int64_t n = 0;
  double difference = 0;
  double low = 0;    ///< 95 % bootstrap percentile interval
  double high = 0;
  double p = 1;      ///< sign-flip permutation, two-sided
  std::int64_t flips_worse = 0;   ///< exact match: right -> wrong
  std::int64_t flips_better = 0;  ///< wrong -> right
  double mcnemar_p = 1;
  std::int64_t n_needed = 0;      ///< items to resolve this difference with 80 % power; 0 when difference is 0
  bool resolved() const { return low > 0 || high < 0; }
};

/// `clusters[i]` groups items that are resampled together (turns of one story). `seed` makes bootstrap and permutation
/// repeatable. em spans may be empty (no flips then).
PairedComparison compare_paired(std::span<const double> base, std::span<const double> other,
                                std::span<const std::int64_t> clusters, std::span<const double> base_em,
                                std::span<const double> other_em, std::uint64_t seed);

/// Share of all 2^n sign patterns (n <= 16) with |sum| >= |observed|, else 100,000 random patterns.
double sign_flip_p(std::span<const double> differences, std::uint64_t seed);
/// Two-sided binomial, min(1, 2 P(X <= min(b, c))); 1 for b = c = 0.
double mcnemar_exact_p(std::int64_t worse, std::int64_t better);
/// Holm-adjusted p values in input order.
std::vector<double> holm_adjust(std::span<const double> p);

}  // namespace quantscope
