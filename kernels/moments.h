// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/tensor_statistics.h"

namespace quantscope {

/// Count, mean and sums of powers of deviations from that mean, of the finite values of a piece of a tensor.
struct Moments {
  double count = 0;
  double mean = 0;
  double second = 0;
  double third = 0;
  double fourth = 0;
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();
  std::int64_t zeros = 0;
};

/// The moments of both sets together. Pebay, Formulas for robust one-pass parallel computation of covariances and
/// arbitrary-order statistical moments (2008), equations 2.1, 3.1 and A.1.
Moments combine(const Moments& a, const Moments& b);

/// Statistics, without histogram and outliers, of a tensor of `count` elements.
TensorStatistics describe(const Moments& moments, std::int64_t count);

/// How far from the mean a value must be to count as an outlier.
inline double outlier_limit(const TensorStatistics& statistics) { return 6 * statistics.standard_deviation; }

/// Can there be any?
inline bool may_have_outliers(const TensorStatistics& statistics) {
  const double limit = outlier_limit(statistics);
  return statistics.maximum - statistics.mean > limit || statistics.mean - statistics.minimum > limit;
}

}  // namespace quantscope
