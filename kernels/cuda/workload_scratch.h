// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/gpu_shape.h"
#include "kernels/cuda/scratch_set.h"
#include "kernels/workload.h"

namespace quantscope::cuda {

/// The largest scratch that any operation of a workload needs.
ScratchSizes scratch_sizes(const Workload& workload, const GpuShape& gpu);

/// All bytes of workspace that a GPU holds for a workload beside buffers: scratch, fp32 copies of vectors, and what is
/// there from the start.
std::int64_t workspace_bytes(const Workload& workload, const GpuShape& gpu);

}  // namespace quantscope::cuda
