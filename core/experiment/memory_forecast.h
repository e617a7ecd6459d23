// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/resolve.h"

namespace quantscope {

/// Bytes per ledger row that running this plan will request, from shapes alone; `settings` are resolved ones. What the
/// device's operations need for themselves is part of the workspace where the device says how much that is.
MemoryRows forecast_memory(const ModelPlan& plan, const ModelDescription& model, const Settings& settings,
                           const DeviceDescription& device, const ResolveInput& input);

/// Bytes of a KL base that stay once its hidden states are known: head, final norm and states.
std::int64_t kept_kl_base_bytes(const ModelPlan& plan, const ModelDescription& model, std::int64_t scored);

/// The figure usually quoted (get_memory_footprint() of transformers): codes without their scales, every other weight
/// at 16 bit, or at 32 bit when the linears are FP32. Bytes.
std::int64_t commonly_reported_bytes(const ModelPlan& plan);

}  // namespace quantscope
