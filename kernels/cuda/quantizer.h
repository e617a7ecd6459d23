// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/upload_ring.h"

namespace quantscope::cuda {

/// Backend::quantize on the GPU: rows are read in tiles of a few megabytes, in the type in which they are stored, and
/// encoded there while the next ones are read. Beside the result it holds the ring's tiles, and under double
/// quantization the plain absmax of all blocks.
Result<std::unique_ptr<CudaWeight>> quantize_matrix(Device& device, const DynamicTables& tables, UploadRing& ring,
                                                    const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                    const WeightFormat& format, MemoryTag tag);

}  // namespace quantscope::cuda
