// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/histogram.h"

#include <QFloat16>
#include <algorithm>
#include <bit>
#include <cmath>

namespace quantscope::ui {

float bin_value(HistogramBins bins, std::uint16_t pattern) {
  if (bins == HistogramBins::bfloat16) return std::bit_cast<float>(static_cast<std::uint32_t>(pattern) << 16);
  static_assert(sizeof(qfloat16) == sizeof(pattern));
  return static_cast<float>(std::bit_cast<qfloat16>(pattern));
}

BinnedCounts rebin(const ValueHistogram& histogram, double low, double high, int bins) {
  BinnedCounts result;
  if (!(low < high) || bins < 1) return result;
  result.width = (high - low) / bins;
  result.left.resize(bins + 1);
  result.count.resize(bins + 1);
  for (int i = 0; i <= bins; ++i) result.left[i] = low + i * result.width;
  for (std::size_t pattern = 0; pattern < histogram.counts.size(); ++pattern) {
    const std::uint64_t count = histogram.counts[pattern];
    if (count == 0) continue;
    const double value = bin_value(histogram.bins, static_cast<std::uint16_t>(pattern));
    if (!std::isfinite(value) || value < low || value > high) continue;
    const int bin = std::clamp(static_cast<int>((value - low) / result.width), 0, bins - 1);
    result.count[bin] += static_cast<double>(count);
    result.total += static_cast<double>(count);
  }
  result.count[bins] = result.count[bins - 1];
  return result;
}

}  // namespace quantscope::ui
