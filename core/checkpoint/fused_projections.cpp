// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/fused_projections.h"

#include <fmt/format.h>

#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>

#include "core/checkpoint/model_families.h"

namespace quantscope {
namespace {

struct Part {
  std::string_view name;
  std::int64_t rows = 0;
};

std::vector<Part> parts_of(std::string_view fused, const ModelDescription& model) {
  const std::int64_t query = model.heads * model.head_dim, key = model.kv_heads * model.head_dim;
  if (fused == "self_attn.qkv_proj")
    return {{"self_attn.q_proj", query}, {"self_attn.k_proj", key}, {"self_attn.v_proj", key}};
  if (fused == "mlp.gate_up_proj") return {{"mlp.gate_proj", model.intermediate}, {"mlp.up_proj", model.intermediate}};
  return {};
}

/// "model.layers.3." "self_attn.qkv_proj" ".weight"
struct SplitName {
  std::string_view prefix, linear, kind;
};

std::optional<SplitName> split_name(std::string_view name) {
  const std::size_t kind = name.rfind('.');
  if (kind == std::string_view::npos) return std::nullopt;
  for (const std::string_view linear : {"self_attn.qkv_proj", "mlp.gate_up_proj"})
    if (name.substr(0, kind).ends_with(linear))
      return SplitName{name.substr(0, kind - linear.size()), linear, name.substr(kind)};
  return std::nullopt;
}

/// The ranges of a fused tensor; the tensor itself where it is none.
std::vector<TensorInfo> split(const TensorInfo& tensor, const ModelDescription& model) {
  const auto name = split_name(tensor.name);
  const bool has_scales_elsewhere = tensor.quantized && !is_block_quantized(tensor.type);
  if (!name || tensor.shape.empty() || has_scales_elsewhere) return {tensor};
  const auto parts = parts_of(name->linear, model);
  const std::int64_t rows = tensor.shape.front();
  const auto add = [](std::int64_t sum, const Part& part) { return sum + part.rows; };
  const bool whole_rows = tensor.shape.size() == 2 || !is_block_quantized(tensor.type);
  if (rows <= 0 || !whole_rows || std::accumulate(parts.begin(), parts.end(), std::int64_t{0}, add) != rows)
    return {tensor};
  const std::uint64_t row_bytes = tensor.bytes / static_cast<std::uint64_t>(rows);
  std::vector<TensorInfo> result;
  std::uint64_t offset = tensor.offset;
  for (const Part& part : parts) {
    TensorInfo range = tensor;
    range.name.assign(name->prefix).append(part.name).append(name->kind);
    range.shape.front() = part.rows;
    range.bytes = row_bytes * static_cast<std::uint64_t>(part.rows);
    range.offset = offset;
    offset += range.bytes;
    result.push_back(std::move(range));
  }
  return result;
}

}  // namespace

void split_fused_projections(const ModelDescription& model, std::vector<TensorInfo>& tensors) {
  std::vector<TensorInfo> result;
  result.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors)
    for (TensorInfo& range : split(tensor, model)) result.push_back(std::move(range));
  tensors = std::move(result);
}

std::vector<std::vector<WeightSlot>> stored_slots(const ModelDescription& model) {
  const Family* family = find_family(model.family);
  const bool fused = family != nullptr && family->fused_projections;
  std::vector<std::vector<WeightSlot>> groups;
  for (WeightSlot& slot : weight_slots(model)) {
    const auto ends = [&slot](std::string_view part) { return slot.name.ends_with(part); };
    const bool continues = ends(".k_proj.weight") || ends(".v_proj.weight") || ends(".up_proj.weight");
    if (fused && continues)
      groups.back().push_back(std::move(slot));
    else
      groups.push_back({std::move(slot)});
  }
  return groups;
}

std::string stored_name(const std::vector<WeightSlot>& slots) {
  std::string name = slots.front().name;
  if (slots.size() == 1) return name;
  constexpr std::string_view query = "q_proj.weight", gate = "gate_proj.weight";
  const bool attention = name.ends_with(query);
  name.resize(name.size() - (attention ? query : gate).size());
  return name + (attention ? "qkv_proj.weight" : "gate_up_proj.weight");
}

Result<void> check_fused_projections(const std::vector<TensorInfo>& tensors,
                                     const std::vector<std::filesystem::path>& files) {
  for (const TensorInfo& tensor : tensors)
    if (tensor.quantized && split_name(tensor.name))
      return fail(ErrorCode::unsupported,
                  fmt::format("{} holds {} as {}: projections that are fused and quantized are not read; open the "
                              "unquantized checkpoint, or a GGUF file of it.",
                              files[tensor.file].filename().string(), tensor.stored_name, tensor.layout),
                  fmt::format("{}, tensor {}", files[tensor.file].string(), tensor.stored_name));
  return {};
}

}  // namespace quantscope
