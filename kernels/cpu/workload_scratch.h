// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/simd_kernels.h"
#include "kernels/workload.h"

namespace quantscope {

/// The largest scratch that any operation of a workload needs.
ScratchSizes scratch_sizes(const Workload& workload, const SimdKernels& kernels, int workers);

}  // namespace quantscope
