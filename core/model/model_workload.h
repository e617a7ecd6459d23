// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/model/model_plan.h"
#include "kernels/workload.h"

namespace quantscope {

/// What forward passes of a planned model, and its head, ask of a device; `context` and `batch_rows` as in
/// Decoder::create().
Workload workload_of(const ModelPlan& plan, const ModelDescription& model, std::int64_t context,
                     std::int64_t batch_rows);

/// The head of a planned model.
LinearShape head_shape(const ModelPlan& plan, const ModelDescription& model);

}  // namespace quantscope
