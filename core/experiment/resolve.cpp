// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/experiment/memory_forecast.h"
#include "core/experiment/setting_rules.h"
#include "core/experiment/weight_planner.h"
#include "core/model/model_workload.h"

namespace quantscope {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;

/// What weights stored like this are computed in.
DataType type_of_stored(const std::optional<WeightFormat>& format) {
  if (format == dense_format(DataType::fp32)) return DataType::fp32;
  return format == dense_format(DataType::fp16) ? DataType::fp16 : DataType::bf16;
}

ComputeType default_compute(DataType type) {
  if (type == DataType::fp32) return ComputeType::fp32;
  if (type == DataType::fp16) return ComputeType::fp16;
  return ComputeType::bf16;  // BF16, and every quantized type on every machine, so that numbers agree
}

Settings fill_defaults(Settings settings, const ModelDescription& model, std::span<const TensorInfo> stored,
                       const DeviceDescription& device) {
  if (data_type_info(settings.type).bits == 4 && !settings.block_size) settings.block_size = default_block_size;
  if (!settings.compute)
    settings.compute = default_compute(
        settings.method == Method::as_stored ? type_of_stored(prevalent_stored_format(model, stored)) : settings.type);
  if (!settings.kv_type) settings.kv_type = compute_data_type(*settings.compute);
  settings.device = device.id;
  if (settings.simd == "auto") settings.simd = device.dispatch_level;
  if (settings.threads == 0) settings.threads = device.threads;
  return settings;
}

void count_bits(Resolved& resolved) {
  std::int64_t values = 0;
  std::int64_t quantized_bytes = 0;
  for (const PlannedWeight& weight : resolved.plan.weights) {
    const std::int64_t count = weight.slot.rows * weight.slot.columns;
    values += count;
    if (!is_quantized(weight.format)) continue;
    resolved.quantized_values += count;
    const FormatBytes bytes = format_bytes(weight.format, weight.slot.rows, weight.slot.columns);
    quantized_bytes += bytes.codes + bytes.scales;
  }
  if (resolved.quantized_values > 0)
    resolved.bits_per_quantized_weight =
        8.0 * static_cast<double>(quantized_bytes) / static_cast<double>(resolved.quantized_values);
  if (values > 0)
    resolved.bits_per_weight = 8.0 * static_cast<double>(resolved.forecast.weights()) / static_cast<double>(values);
}

const PlannedWeight* first_with(const ModelPlan& plan, MemoryTag tag) {
  for (const PlannedWeight& weight : plan.weights)
    if (weight.tag == tag) return &weight;
  return nullptr;
}

/// "84 weights in NF4 block 64, 21 in BF16", linears only.
std::string formats_of(const ModelPlan& plan) {
  std::vector<std::pair<std::string, int>> counts;
  for (const PlannedWeight& weight : plan.weights) {
    if (weight.tag != MemoryTag::codes) continue;
    const std::string label = format_label(weight.format);
    const auto known = std::ranges::find(counts, label, &std::pair<std::string, int>::first);
    if (known == counts.end())
      counts.emplace_back(label, 1);
    else
      ++known->second;
  }
  std::string text;
  for (const auto& [label, count] : counts)
    text += fmt::format("{}{}{} in {}", text.empty() ? "" : ", ", count, text.empty() ? " linears" : "", label);
  return text.empty() ? "no linears" : text;
}

std::vector<std::string> reasons_of(const Resolved& resolved, const Settings& asked, const ModelDescription& model) {
  std::vector<std::string> reasons;
  const ModelPlan& plan = resolved.plan;
  const std::string_view compute = data_type_info(compute_data_type(plan.compute)).label;
  const bool as_stored = asked.method == Method::as_stored;
  const PlannedWeight* linear = first_with(plan, MemoryTag::codes);
  const bool dense = as_stored ? linear != nullptr && !is_quantized(linear->format) : is_dense(asked.type);
  if (asked.device == "auto" && resolved.settings.device != "cpu")
    reasons.push_back(
        fmt::format("Device {}: the first that knows all formats and has the memory.", resolved.settings.device));
  if (!asked.compute)
    reasons.push_back(dense ? fmt::format("Compute type {}: that of the weights.", compute)
                            : fmt::format("Compute type {}: the default of quantized types.", compute));
  if (as_stored) reasons.push_back(fmt::format("As stored: {}.", formats_of(plan)));
  if (const PlannedWeight* embedding = first_with(plan, MemoryTag::embedding)) {
    const std::string what = model.tied_head ? "Embedding (also the head)" : "Embedding";
    reasons.push_back(fmt::format("{}: {}{}.", what, format_label(embedding->format),
                                  is_quantized(embedding->format) ? "" : ", not quantized"));
  }
  if (const PlannedWeight* head = first_with(plan, MemoryTag::head))
    reasons.push_back(
        fmt::format("Head: {}{}.", format_label(head->format), is_quantized(head->format) ? "" : ", not quantized"));
  std::int64_t out_of_scope = 0;
  std::int64_t overridden = 0;
  for (const PlannedWeight& weight : plan.weights) {
    out_of_scope += weight.reason == "out of scope" ? 1 : 0;
    overridden += weight.reason == "override" ? 1 : 0;
  }
  if (out_of_scope > 0) reasons.push_back(fmt::format("{} linears are out of scope and kept.", out_of_scope));
  if (overridden > 0) reasons.push_back(fmt::format("{} weights have a format of their own.", overridden));
  const auto quantizes_activations = [](const PlannedWeight& weight) {
    return weight.activations == ActivationMode::int8_outliers;
  };
  if (std::ranges::any_of(plan.weights, quantizes_activations))
    reasons.push_back(
        fmt::format("Activations are quantized by token to 8 bits; elements of magnitude {} or more are "
                    "computed in {}.",
                    asked.int8_threshold, compute));
  const auto has_window = [](const LayerAttention& layer) { return layer.window > 0; };
  if (std::ranges::any_of(model.attention, has_window))
    reasons.push_back("KV cache: all positions are kept; the model's sliding window limits what attention sees.");
  return reasons;
}

std::string summary_of(const Resolved& resolved, const ModelDescription& model) {
  const PlannedWeight* linear = first_with(resolved.plan, MemoryTag::codes);
  const std::string weights = linear == nullptr ? "no linears" : format_label(linear->format);
  const std::int64_t count = std::count_if(resolved.plan.weights.begin(), resolved.plan.weights.end(),
                                           [](const PlannedWeight& weight) { return weight.tag == MemoryTag::codes; });
  return fmt::format("{} linears of {} in {}, compute {}, KV cache {}, {} with {} on {} threads; weights {:.2f} MiB.",
                     count, model.name.empty() ? "the model" : model.name, weights,
                     data_type_info(compute_data_type(resolved.plan.compute)).label,
                     data_type_info(resolved.plan.kv_type).label, resolved.settings.device, resolved.settings.simd,
                     resolved.settings.threads, static_cast<double>(resolved.forecast.weights()) / mebibyte);
}

std::optional<Conflict> unknown_format(const ModelPlan& plan, const DeviceDescription& device) {
  if (device.knows_format == nullptr) return std::nullopt;
  for (const PlannedWeight& weight : plan.weights)
    if (!device.knows_format(weight.format))
      return Conflict{"device",
                      fmt::format("The device {} has no kernels for {}, the format of {}.", device.id,
                                  format_label(weight.format), weight.slot.name),
                      "cpu"};
  return std::nullopt;
}

std::string memory_warning_of(const Resolved& resolved, const DeviceDescription& device) {
  std::int64_t needed = resolved.forecast.total();
  if (resolved.kl_base) needed = std::max(needed, resolved.kl_base->forecast.total());
  if (device.memory_free <= 0 || needed <= device.memory_free) return {};
  return fmt::format(
      "This needs about {:.0f} MiB, but only {:.0f} MiB are free on {}: it may fail or slow the whole machine down. "
      "Fewer bits or a shorter context need less.",
      static_cast<double>(needed) / mebibyte, static_cast<double>(device.memory_free) / mebibyte, device.id);
}

/// The settings of a KL base on the device of the run.
Settings on_the_same_device(Settings base, const Settings& run) {
  base.device = run.device;
  base.threads = run.threads;
  base.simd = run.simd;
  base.context = 0;
  return base;
}

tl::expected<ResolvedKlBase, Conflict> resolve_kl_base(const Settings& run, const ModelDescription& model,
                                                       std::span<const TensorInfo> stored,
                                                       const DeviceDescription& device, const ResolveInput& input) {
  const KlBaseInput& asked = *input.kl_base;
  const Settings settings = on_the_same_device(asked.settings, run);
  if (auto conflict = first_conflict({settings, model, stored, device}))
    return tl::unexpected(
        Conflict{"base", fmt::format("The KL base cannot run: {}", conflict->why), conflict->nearest_valid});
  ResolvedKlBase base;
  base.settings = fill_defaults(settings, model, stored, device);
  base.plan = plan_weights(base.settings, model, stored);
  base.plan.workload = workload_of(base.plan, model, asked.context, input.batch_rows);
  base.forecast = forecast_memory(base.plan, model, base.settings, device, {asked.context, input.batch_rows});
  const std::int64_t states = device.host_memory ? asked.scored : 0;  // they are kept in the host's memory
  base.forecast[MemoryTag::workspace] += states * model.hidden * static_cast<std::int64_t>(sizeof(float));
  base.kept_bytes = kept_kl_base_bytes(base.plan, model, states);
  for (PlannedWeight& weight : base.plan.weights) weight.tag = MemoryTag::workspace;
  return base;
}

/// The comparison of a model's head with that of its KL base, whose final norm stays as well.
void add_head_pair(const ResolvedKlBase& base, ModelPlan& plan, const ModelDescription& model) {
  plan.workload.operations.push_back(
      {OperationShape::Kind::head_pair, {head_shape(base.plan, model), head_shape(plan, model)}});
  plan.workload.vector_values += model.hidden;
}

/// Adds what the base needs to what the model needs.
void add_kl_base(Resolved& resolved, ResolvedKlBase base, const ModelDescription& model, const ResolveInput& input) {
  const std::int64_t rows = input.batch_rows * model.hidden * static_cast<std::int64_t>(sizeof(float));
  resolved.forecast[MemoryTag::workspace] += base.kept_bytes + rows;
  resolved.reasons.push_back(fmt::format(
      "KL base {}: runs first ({:.1f} MiB), then its head and hidden states ({:.1f} MiB) stay beside the model.",
      configuration_text(base.settings), static_cast<double>(base.forecast.total()) / mebibyte,
      static_cast<double>(base.kept_bytes) / mebibyte));
  resolved.kl_base = std::move(base);
}

}  // namespace

Error error_of(const Conflict& conflict) {
  std::string message = conflict.why;
  if (!conflict.nearest_valid.empty()) message += fmt::format(" Nearest that works: {}.", conflict.nearest_valid);
  return {ErrorCode::invalid_argument, std::move(message), {}, conflict.field};
}

tl::expected<Resolved, Conflict> resolve(const Settings& settings, const ModelDescription& model,
                                         std::span<const TensorInfo> stored, const DeviceDescription& device,
                                         const ResolveInput& input) {
  if (auto conflict = first_conflict({settings, model, stored, device})) return tl::unexpected(*conflict);
  Resolved resolved;
  resolved.settings = fill_defaults(settings, model, stored, device);
  resolved.plan = plan_weights(resolved.settings, model, stored);
  if (auto conflict = unknown_format(resolved.plan, device)) return tl::unexpected(*conflict);
  std::optional<ResolvedKlBase> kl_base;
  if (input.kl_base) {
    auto base = resolve_kl_base(resolved.settings, model, stored, device, input);
    if (!base) return tl::unexpected(base.error());
    kl_base = std::move(*base);
  }
  resolved.plan.workload = workload_of(resolved.plan, model, input.context, input.batch_rows);
  if (kl_base) add_head_pair(*kl_base, resolved.plan, model);
  resolved.forecast = forecast_memory(resolved.plan, model, resolved.settings, device, input);
  resolved.as_commonly_reported = commonly_reported_bytes(resolved.plan);
  count_bits(resolved);
  resolved.reasons = reasons_of(resolved, settings, model);
  resolved.summary = summary_of(resolved, model);
  if (kl_base) add_kl_base(resolved, std::move(*kl_base), model, input);
  resolved.memory_warning = memory_warning_of(resolved, device);
  return resolved;
}

const DeviceDescription& device_for(const Settings& settings, const ModelDescription& model,
                                    std::span<const TensorInfo> stored, std::span<const DeviceDescription> devices,
                                    const ResolveInput& input) {
  const auto is_wanted = [&](const DeviceDescription& device) {
    if (settings.device != "auto") return settings.device == device.id || settings.device + ":0" == device.id;
    if (&device == &devices.front() || !device.unavailable.empty()) return false;
    const auto resolved = resolve(settings, model, stored, device, input);
    return resolved && resolved->memory_warning.empty();
  };
  const auto found = std::ranges::find_if(devices, is_wanted);
  return found == devices.end() ? devices.front() : *found;
}

}  // namespace quantscope
