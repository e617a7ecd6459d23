// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/checkpoint/checkpoint.h"
#include "kernels/backend.h"
#include "kernels/tensor_statistics.h"

namespace quantscope {

/// A RowReader over a checkpoint's tensor. The checkpoint and the info must outlive it.
RowReader source_rows(const Checkpoint& checkpoint, const TensorInfo& tensor);

/// A tensor placed on a device, its codes counted under `tag`: quantized to `format`, or under `as_stored` with the
/// codes of the file, whose format it then must be.
Result<std::unique_ptr<Weight>> load_weight(const Checkpoint& checkpoint, const TensorInfo& tensor,
                                            const WeightFormat& format, bool as_stored, MemoryTag tag,
                                            Backend& backend);

/// How far `weight`, decoded on its device, is from the checkpoint's tensor; streams row tiles, float64 sums.
Result<QuantizationError> quantization_error(const Checkpoint& checkpoint, const TensorInfo& tensor, Backend& backend,
                                             const Weight& weight);

}  // namespace quantscope
