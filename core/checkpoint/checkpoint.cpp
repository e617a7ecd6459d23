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
  std::map<StoredType, std::int64_t> values;
  std::int64_t linear_values = 0, block_values = 0;
  for (const WeightSlot& slot : weight_slots(model())) {
    const TensorInfo* tensor = slot.role == WeightRole::linear ? find(slot.name) : nullptr;
    if (tensor == nullptr) continue;
    linear_values += tensor->count();
    if (!is_block_quantized(tensor->type)) continue;
    block_values += tensor->count();
    values[tensor->type] += tensor->count();
  }
  if (2 * block_values <= linear_values) return {};
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto most = std::ranges::max_element(values, by_count);
  return fmt::format("decoded {} weights", stored_type_info(most->first).name);
}

}  // namespace quantscope
