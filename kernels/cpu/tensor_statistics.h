// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>

#include "kernels/backend.h"
#include "kernels/cpu/quantize_rows.h"
#include "kernels/tensor_statistics.h"

namespace quantscope {

/// Statistics of the [rows, columns] values that `source` yields. Reads them once for moments and histogram and a
/// second time to count outliers, unless the extremes already show that there are none. Sums of small pieces are
/// combined in a fixed order, so the result does not depend on the number of threads. Workspace: at most 16 MiB or
/// one row. Fails with the reader's error, or with cancelled between tiles.
Result<TensorStatistics> tensor_statistics(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                           HistogramBins bins, MemoryLedger& ledger, const ParallelFor& parallel_for,
                                           std::stop_token stop);

}  // namespace quantscope
