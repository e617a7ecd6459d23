// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace quantscope {

std::int64_t TensorInfo::rows() const {
  std::int64_t product = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) product *= shape[i];
  return product;
}

std::int64_t TensorInfo::columns() const { return shape.empty() ? 1 : shape.back(); }

std::int64_t TensorInfo::count() const { return rows() * columns(); }

std::optional<DataType> Checkpoint::copied_type(const TensorInfo&) const { return std::nullopt; }

Result<void> Checkpoint::copy_rows(const TensorInfo& tensor, std::int64_t, std::int64_t, std::span<std::byte>) const {
  return fail(ErrorCode::unsupported, fmt::format("{} is only read decoded.", tensor.name), tensor.name);
}

std::string stored_form(const TensorInfo& tensor) {
  return tensor.layout.empty() ? std::string(stored_type_info(tensor.type).name) : tensor.layout;
}

Result<QuantizedTensor> Checkpoint::read_stored(const TensorInfo& tensor, MemoryLedger&, MemoryTag) const {
  return fail(
      ErrorCode::unsupported,
      fmt::format("{} is stored as plain values and has no codes of its own; quantize it instead.", tensor.name),
      tensor.name);
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors(), name, &TensorInfo::name);
  return found == tensors().end() ? nullptr : &*found;
}

std::string Checkpoint::baseline_note() const {
  std::map<std::string, std::int64_t, std::less<>> values;  // by layout or block type
  std::int64_t linear_values = 0, quantized_values = 0;
  for (const WeightSlot& slot : weight_slots(model())) {
    const TensorInfo* tensor = slot.role == WeightRole::linear ? find(slot.name) : nullptr;
    if (tensor == nullptr) continue;
    linear_values += tensor->count();
    if (!tensor->quantized && !is_block_quantized(tensor->type)) continue;
    quantized_values += tensor->count();
    values[stored_form(*tensor)] += tensor->count();
  }
  if (2 * quantized_values <= linear_values) return {};
  const auto most = std::ranges::max_element(values, {}, [](const auto& entry) { return entry.second; });
  return fmt::format("decoded {} weights", most->first);
}

}  // namespace quantscope
