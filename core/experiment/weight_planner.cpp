// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/weight_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "core/checkpoint/stored_type.h"
#include "core/experiment/setting_rules.h"

namespace quantscope {
namespace {

ActivationMode activations_of(const Settings& settings) {
  const bool llm_int8 = settings.type == DataType::int8 && !settings.weight_only_int8;
  return llm_int8 ? ActivationMode::int8_outliers : ActivationMode::rounded;
}

const TensorInfo* find_stored(std::span<const TensorInfo> stored, std::string_view name) {
  const auto found =
      std::find_if(stored.begin(), stored.end(), [&](const TensorInfo& tensor) { return tensor.name == name; });
  return found == stored.end() ? nullptr : &*found;
}

/// The dense type of a tensor's plain values; nothing where the file keeps codes.
std::optional<DataType> plain_type(const TensorInfo& tensor) {
  return tensor.quantized ? std::nullopt : plain_data_type(tensor.type);
}

/// A dense stored type stays as it is; codes are decoded to the compute type.
WeightFormat kept_format(const WeightSlot& slot, const ModelDescription& model, std::span<const TensorInfo> stored,
                         ComputeType compute) {
  const TensorInfo* found = find_stored(stored, slot.name);
  if (found == nullptr) return dense_format(model.stored_value_bytes == 4 ? DataType::fp32 : DataType::bf16);
  return dense_format(plain_type(*found).value_or(compute_data_type(compute)));
}

/// Decides weight by weight; the regular expressions are compiled once.
class Planner {
 public:
  Planner(const Settings& settings, const ModelDescription& model, std::span<const TensorInfo> stored)
      : settings_(settings), model_(model), stored_(stored) {
    if (settings.scope != "linears" && settings.scope != "all") scope_.emplace(settings.scope);
    for (const Settings::Override& item : settings.overrides)
      overrides_.emplace_back(std::regex(item.pattern), *parse_configuration(item.type));
  }

  PlannedWeight plan(const WeightSlot& slot) const {
    if (slot.role == WeightRole::norm) return keep(slot, MemoryTag::norms, {});
    if (slot.role == WeightRole::bias) return keep(slot, MemoryTag::unquantized, {});
    if (settings_.method == Method::as_stored) return as_stored(slot);
    for (const auto& [pattern, type] : overrides_)
      if (std::regex_search(slot.name, pattern)) return quantize(slot, type, "override");
    if (slot.role == WeightRole::linear) return plan_linear(slot);
    return plan_vocabulary(slot);
  }

 private:
  PlannedWeight plan_linear(const WeightSlot& slot) const {
    if (scope_ && !std::regex_search(slot.name, *scope_)) return keep(slot, MemoryTag::unquantized, "out of scope");
    return quantize(slot, settings_, {});
  }

  /// Embedding and head; a tied matrix serves as both and follows the head's policy.
  PlannedWeight plan_vocabulary(const WeightSlot& slot) const {
    const bool serves_as_head = slot.role == WeightRole::head || model_.tied_head;
    const std::string reason = model_.tied_head ? "tied to the head" : std::string();
    if (serves_as_head && settings_.head == HeadPolicy::int8) {
      Settings int8 = settings_;
      int8.type = DataType::int8;
      int8.weight_only_int8 = true;
      return quantize(slot, int8, reason);
    }
    const bool all = settings_.scope == "all" && !is_dense(settings_.type);
    if (all || (serves_as_head && settings_.head == HeadPolicy::same)) return quantize(slot, settings_, reason);
    return keep(slot, tag_of(slot), reason);
  }

  PlannedWeight quantize(const WeightSlot& slot, const Settings& settings, std::string reason) const {
    PlannedWeight planned{slot,  requested_format(settings), tag_of(slot), ActivationMode::rounded,
                          false, std::move(reason)};
    // A lookup has no activations, and a matrix that is also the embedding is decoded like one.
    if (slot.role == WeightRole::linear) planned.activations = activations_of(settings);
    return planned;
  }

  /// Weights that LLM.int8() stored run as LLM.int8().
  PlannedWeight as_stored(const WeightSlot& slot) const {
    const TensorInfo* tensor = find_stored(stored_, slot.name);
    if (tensor == nullptr || !tensor->quantized) return keep(slot, tag_of(slot), {});
    PlannedWeight planned{slot, *tensor->quantized, tag_of(slot), ActivationMode::rounded, true, {}};
    if (slot.role == WeightRole::linear && planned.format == int8_row_format())
      planned.activations = ActivationMode::int8_outliers;
    return planned;
  }

  PlannedWeight keep(const WeightSlot& slot, MemoryTag tag, std::string reason) const {
    return {slot,  kept_format(slot, model_, stored_, *settings_.compute),
            tag,   ActivationMode::rounded,
            false, std::move(reason)};
  }

  static MemoryTag tag_of(const WeightSlot& slot) {
    switch (slot.role) {
      case WeightRole::embedding: return MemoryTag::embedding;
      case WeightRole::head: return MemoryTag::head;
      case WeightRole::norm: return MemoryTag::norms;
      case WeightRole::bias: return MemoryTag::unquantized;
      case WeightRole::linear: return MemoryTag::codes;
    }
    return MemoryTag::unquantized;
  }

  const Settings& settings_;
  const ModelDescription& model_;
  std::span<const TensorInfo> stored_;
  std::optional<std::regex> scope_;
  std::vector<std::pair<std::regex, Settings>> overrides_;
};

}  // namespace

ModelPlan plan_weights(const Settings& settings, const ModelDescription& model, std::span<const TensorInfo> stored) {
  ModelPlan plan;
  plan.compute = *settings.compute;
  plan.kv_type = *settings.kv_type;
  plan.outlier_threshold = static_cast<float>(settings.int8_threshold);
  const Planner planner(settings, model, stored);
  for (const WeightSlot& slot : weight_slots(model)) plan.weights.push_back(planner.plan(slot));
  return plan;
}

WeightFormat stored_format(const TensorInfo& tensor) {
  return tensor.quantized ? *tensor.quantized : dense_format(plain_type(tensor).value_or(DataType::fp32));
}

std::optional<WeightFormat> prevalent_stored_format(const ModelDescription& model, std::span<const TensorInfo> stored) {
  std::vector<std::pair<WeightFormat, std::int64_t>> values;
  for (const WeightSlot& slot : weight_slots(model)) {
    const TensorInfo* tensor = slot.role == WeightRole::linear ? find_stored(stored, slot.name) : nullptr;
    if (tensor == nullptr) continue;
    const WeightFormat format = stored_format(*tensor);
    const auto known = std::ranges::find(values, format, &std::pair<WeightFormat, std::int64_t>::first);
    if (known == values.end())
      values.emplace_back(format, tensor->count());
    else
      known->second += tensor->count();
  }
  const auto most = std::ranges::max_element(values, {}, &std::pair<WeightFormat, std::int64_t>::second);
  if (most == values.end()) return std::nullopt;
  return most->first;
}

WeightFormat requested_format(const Settings& settings) {
  if (is_dense(settings.type)) return dense_format(settings.type);
  if (settings.type == DataType::int8) return int8_row_format();
  return block_format(settings.type, settings.block_size.value_or(default_block_size), settings.double_quantization);
}

bool is_quantized(const WeightFormat& format) {
  return format.code_type != CodeType::float32 && format.code_type != CodeType::float16 &&
         format.code_type != CodeType::bfloat16;
}

namespace {
std::string affine_label(const WeightFormat& format) {
  return fmt::format("INT{} group {}{}{}", format.code_bits, format.block_size,
                     format.zero_point == ZeroPoint::none ? "" : ", zero points",
                     format.group_index ? ", act-order" : "");
}

std::string fp8_label(const WeightFormat& format) {
  if (format.scale_layout == ScaleLayout::tiles) return fmt::format("FP8 {0}x{0} tiles", format.block_size);
  return format.scale_layout == ScaleLayout::per_row ? "FP8 by row" : "FP8 by matrix";
}
}  // namespace

std::string format_label(const WeightFormat& format) {
  switch (format.code_type) {
    case CodeType::float32: return "FP32";
    case CodeType::float16: return "FP16";
    case CodeType::bfloat16: return "BF16";
    case CodeType::signed8: return "INT8 by row";
    case CodeType::unsigned_bits: return affine_label(format);
    case CodeType::float8_e4m3: return fp8_label(format);
    case CodeType::packed4: break;
    case CodeType::ggml_blocks: return std::string(ggml_type_info(format.ggml_type).name);
  }
  const std::string_view levels = format.levels == Levels::nf4 ? "NF4" : format.levels == Levels::fp4 ? "FP4" : "INT4";
  return fmt::format("{} block {}{}", levels, format.block_size, format.nested_scales ? ", double quantization" : "");
}

}  // namespace quantscope
