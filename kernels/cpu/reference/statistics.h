// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "kernels/tensor_statistics.h"

namespace quantscope::reference {

/// Moments by the textbook: first the mean, then the sums of powers of the deviations, one value after the other.
TensorStatistics statistics(std::span<const float> values, HistogramBins bins);

}  // namespace quantscope::reference
