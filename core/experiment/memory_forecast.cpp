// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/memory_forecast.h"

#include <algorithm>

#include "core/experiment/weight_planner.h"
#include "core/model/decoder.h"
#include "core/model/model.h"

namespace quantscope {

MemoryRows forecast_memory(const ModelPlan& plan, const ModelDescription& model, const Settings& settings,
                           const DeviceDescription& device, const ResolveInput& input) {
  MemoryRows rows;
  for (const PlannedWeight& weight : plan.weights) {
    const FormatBytes bytes = format_bytes(weight.format, weight.slot.rows, weight.slot.columns);
    rows[weight.tag] += bytes.codes;
    rows[MemoryTag::scales] += bytes.scales;
  }
  const DecoderShape decoder = decoder_shape(model, plan.kv_type, input.context, input.batch_rows);
  rows[MemoryTag::kv_cache] = decoder.kv.bytes();
  rows[MemoryTag::workspace] = decoder.activation_bytes();
  if (device.workspace_bytes)
    rows[MemoryTag::workspace] += device.workspace_bytes(plan.workload, settings.simd, settings.threads);
  return rows;
}

std::int64_t kept_kl_base_bytes(const ModelPlan& plan, const ModelDescription& model, std::int64_t scored) {
  std::int64_t bytes = scored * model.hidden * static_cast<std::int64_t>(sizeof(float));
  for (const PlannedWeight& weight : plan.weights) {
    if (!belongs_to_head(weight.slot, model)) continue;
    const FormatBytes of_weight = format_bytes(weight.format, weight.slot.rows, weight.slot.columns);
    bytes += of_weight.codes + of_weight.scales;
  }
  return bytes;
}

std::int64_t commonly_reported_bytes(const ModelPlan& plan) {
  const bool single_precision = std::any_of(plan.weights.begin(), plan.weights.end(), [](const PlannedWeight& weight) {
    return weight.tag == MemoryTag::codes && weight.format.code_type == CodeType::float32;
  });
  std::int64_t bytes = 0;
  for (const PlannedWeight& weight : plan.weights) {
    const std::int64_t values = weight.slot.rows * weight.slot.columns;
    if (is_quantized(weight.format))
      bytes += format_bytes(weight.format, weight.slot.rows, weight.slot.columns).codes;
    else
      bytes += values * (single_precision ? 4 : 2);
  }
  return bytes;
}

}  // namespace quantscope
