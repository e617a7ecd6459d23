// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/moments.h"

#include <algorithm>
#include <cmath>

namespace quantscope {

Moments combine(const Moments& a, const Moments& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  const double n = a.count + b.count, delta = b.mean - a.mean, step = delta / n;
  const double product = a.count * b.count;
  Moments sum;
  sum.count = n;
  sum.mean = a.mean + step * b.count;
  sum.second = a.second + b.second + delta * step * product;
  sum.third = a.third + b.third + delta * step * step * product * (a.count - b.count) +
              3 * step * (a.count * b.second - b.count * a.second);
  sum.fourth = a.fourth + b.fourth +
               delta * step * step * step * product * (a.count * a.count - product + b.count * b.count) +
               6 * step * step * (a.count * a.count * b.second + b.count * b.count * a.second) +
               4 * step * (a.count * b.third - b.count * a.third);
  sum.minimum = std::min(a.minimum, b.minimum);
  sum.maximum = std::max(a.maximum, b.maximum);
  sum.zeros = a.zeros + b.zeros;
  return sum;
}

TensorStatistics describe(const Moments& moments, std::int64_t count) {
  TensorStatistics result;
  result.count = count;
  result.not_finite = count - static_cast<std::int64_t>(moments.count);
  result.zeros = moments.zeros;
  if (moments.count == 0) return result;
  const double variance = moments.second / moments.count;
  result.minimum = moments.minimum;
  result.maximum = moments.maximum;
  const bool constant = moments.minimum == moments.maximum;
  result.mean = constant ? moments.minimum : moments.mean;
  if (constant) return result;  // what is left of the variance is rounding
  result.standard_deviation = std::sqrt(variance);
  result.skewness = moments.third / moments.count / (variance * result.standard_deviation);
  result.excess_kurtosis = moments.fourth / moments.count / (variance * variance) - 3;
  return result;
}

}  // namespace quantscope
