// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/upload_ring.h"

namespace quantscope::cuda {

/// Backend::statistics on the GPU. The histogram is exact; moments are those of the CPU up to the order of sums in
/// float64. Reads the source once, and a second time to count outliers unless there can be none.
Result<TensorStatistics> measure_tensor(Device& device, UploadRing& ring, const RowReader& source, std::int64_t rows,
                                        std::int64_t columns, HistogramBins bins);

}  // namespace quantscope::cuda
