// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QVector>

#include "core/experiment/tensor_preview.h"

namespace quantscope::ui {

/// Equal bins over a range, counted from the 65,536 exact counts.
struct BinnedCounts {
  QVector<double> left;   ///< left edges, then the right edge of the last bin
  QVector<double> count;  ///< one fewer; the last entry is repeated so that a step line closes: same length as `left`
  double width = 0;
  double total = 0;  ///< inside the range
};

/// The value that a 16-bit pattern stands for.
float bin_value(HistogramBins bins, std::uint16_t pattern);
/// Values of NaN and infinity are left out; the right end belongs to the last bin. Empty when low >= high.
BinnedCounts rebin(const ValueHistogram& histogram, double low, double high, int bins);

}  // namespace quantscope::ui
