// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/fused_projections.h"

#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>

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

}  // namespace quantscope
