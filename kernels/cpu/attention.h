// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/kv_storage.h"
#include "kernels/operation_checks.h"

namespace quantscope {

/// output[row] = softmax(cap(q . K * scale)) V of every row, see Backend::attention. q and output are
/// [rows, heads * head_dim].
Result<void> attend(CpuContext& context, const float* q, const AttentionShape& shape, std::span<const RowPlace> places,
                    const CpuKvStorage& storage, float* output);

}  // namespace quantscope
