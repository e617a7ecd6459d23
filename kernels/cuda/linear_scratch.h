// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/gpu_shape.h"
#include "kernels/cuda/scratch_set.h"
#include "kernels/workload.h"

/// How large the scratch of linears is. LinearRunner reserves by it, forecasts add it up.
namespace quantscope::cuda {

/// Outputs of a weight that are decoded at a time, in `value_bytes` per value, so that they stay in the L2 cache until
/// they are multiplied.
std::int64_t decoded_tile(const GpuShape& gpu, std::int64_t columns, std::int64_t outputs, std::int64_t value_bytes);
/// Outputs whose integer sums are formed at a time for so many rows.
std::int64_t integer_tile(std::int64_t rows, std::int64_t outputs);

/// Raises `sizes` to what the products of 1 to `most_rows` rows need; of at most `outputs` outputs at a time.
/// `normalized`: whether the input is normalized or picked on the way.
void add_linear(const GpuShape& gpu, const LinearShape& linear, std::int64_t most_rows, std::int64_t outputs,
                bool normalized, ScratchSizes& sizes);

}  // namespace quantscope::cuda
