// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/reference/statistics.h"

#include <algorithm>
#include <cmath>

namespace quantscope::reference {
namespace {

double mean_power(std::span<const double> values, double mean, int power) {
  double sum = 0;
  for (const double value : values) sum += std::pow(value - mean, power);
  return sum / static_cast<double>(values.size());
}

void add_moments(std::span<const double> finite, TensorStatistics& result) {
  const auto [minimum, maximum] = std::ranges::minmax(finite);
  result.minimum = minimum;
  result.maximum = maximum;
  result.mean = minimum == maximum ? minimum : mean_power(finite, 0, 1);
  if (minimum == maximum) return;
  const double variance = mean_power(finite, result.mean, 2);
  result.standard_deviation = std::sqrt(variance);
  result.skewness = mean_power(finite, result.mean, 3) / (variance * result.standard_deviation);
  result.excess_kurtosis = mean_power(finite, result.mean, 4) / (variance * variance) - 3;
  for (const double value : finite)
    if (std::abs(value - result.mean) > 6 * result.standard_deviation) ++result.outliers;
}
}  // namespace

TensorStatistics statistics(std::span<const float> values, HistogramBins bins) {
  TensorStatistics result;
  result.count = static_cast<std::int64_t>(values.size());
  result.histogram.bins = bins;
  result.histogram.counts.resize(histogram_bin_count);
  std::vector<double> finite;
  for (const float value : values) {
    ++result.histogram.counts[histogram_bin(bins, value)];
    if (value == 0.0F) ++result.zeros;
    if (std::isfinite(value)) finite.push_back(static_cast<double>(value));
  }
  result.not_finite = result.count - static_cast<std::int64_t>(finite.size());
  if (!finite.empty()) add_moments(finite, result);
  return result;
}

}  // namespace quantscope::reference
