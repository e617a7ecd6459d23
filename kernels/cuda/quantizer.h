// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/device_objects.h"

namespace quantscope::cuda {

/// Backend::quantize on the GPU: rows are read in tiles of a few megabytes and encoded there. Beside the result it
/// holds one tile, and under double quantization the plain absmax of all blocks.
Result<std::unique_ptr<CudaWeight>> quantize_matrix(Device& device, const DynamicTables& tables,
                                                    const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                    const WeightFormat& format, MemoryTag tag);

}  // namespace quantscope::cuda
