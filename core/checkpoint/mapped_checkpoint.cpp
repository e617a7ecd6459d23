// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/mapped_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "core/checkpoint/file_damage.h"
#include "core/checkpoint/fingerprint.h"
#include "core/checkpoint/stored_type.h"
#include "core/checkpoint/stored_weight.h"

namespace quantscope {
namespace {

/// Row `row` in Hugging Face order, as a row of an interleaved GGUF tensor.
std::int64_t interleaved_row(std::int64_t row, std::int64_t head_dim) {
  const std::int64_t half = head_dim / 2, within = row % head_dim;
  return row - within + 2 * (within % half) + within / half;
}

std::string shape_text(std::span<const std::int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::vector<std::int64_t> slot_shape(const WeightSlot& slot) {
  const bool vector = slot.role == WeightRole::norm || slot.role == WeightRole::bias;
  return vector ? std::vector{slot.columns} : std::vector{slot.rows, slot.columns};
}

}  // namespace

MappedCheckpoint::MappedCheckpoint(CheckpointContents contents) : contents_(std::move(contents)) {
  for (const CheckpointFile& file : contents_.files) paths_.push_back(file.mapping.path());
}

Result<std::shared_ptr<const Checkpoint>> MappedCheckpoint::create(CheckpointContents contents) {
  const std::shared_ptr<MappedCheckpoint> checkpoint(new MappedCheckpoint(std::move(contents)));
  if (auto indexed = checkpoint->index_tensors(); !indexed) return tl::unexpected(std::move(indexed.error()));
  if (!checkpoint->is_plan()) {
    if (auto complete = checkpoint->check_slots(); !complete) return tl::unexpected(std::move(complete.error()));
    if (auto heads = checkpoint->check_head_rows(); !heads) return tl::unexpected(std::move(heads.error()));
  }
  return checkpoint;
}

Result<void> MappedCheckpoint::index_tensors() {
  by_name_.reserve(contents_.tensors.size());
  for (const TensorInfo& tensor : contents_.tensors)
    if (!by_name_.emplace(tensor.name, &tensor).second)
      return file_damage(paths_[tensor.file], tensor.offset, "another tensor has the same meaning", tensor.name);
  return {};
}

Result<void> MappedCheckpoint::check_slots() const {
  for (const WeightSlot& slot : weight_slots(contents_.model)) {
    const auto found = by_name_.find(slot.name);
    if (found == by_name_.end())
      return fail(ErrorCode::not_found,
                  fmt::format("{} lacks the tensor {}, which its description asks for; download it again.",
                              paths_.front().filename().string(), slot.name),
                  fmt::format("{}, tensor {}", paths_.front().string(), slot.name));
    const TensorInfo& tensor = *found->second;
    if (const auto expected = slot_shape(slot); tensor.shape != expected)
      return file_damage(paths_[tensor.file], tensor.offset,
                         fmt::format("its shape is {}, and the model's description asks for {}",
                                     shape_text(tensor.shape), shape_text(expected)),
                         tensor.stored_name);
  }
  return {};
}

bool MappedCheckpoint::is_interleaved(const TensorInfo& tensor) const {
  if (!contents_.interleaved_heads) return false;
  const std::string_view stem = std::string_view(tensor.name).substr(0, tensor.name.rfind('.'));
  return stem.ends_with(".self_attn.q_proj") || stem.ends_with(".self_attn.k_proj");
}

/// Tensors of layers beyond the model's are in no slot, and yet may be asked for.
Result<void> MappedCheckpoint::check_head_rows() const {
  for (const TensorInfo& tensor : contents_.tensors) {
    const std::int64_t rows = tensor.shape.size() == 1 ? tensor.columns() : tensor.rows();
    if (is_interleaved(tensor) && rows % contents_.model.head_dim != 0)
      return file_damage(paths_[tensor.file], tensor.offset,
                         fmt::format("its {} rows are no multiple of the head size {}", rows, contents_.model.head_dim),
                         tensor.stored_name);
  }
  return {};
}

const std::byte* MappedCheckpoint::data(const TensorInfo& tensor) const {
  return contents_.files[tensor.file].mapping.bytes().data() + tensor.offset;
}

void MappedCheckpoint::decode_interleaved(const TensorInfo& tensor, std::int64_t first_row,
                                          std::span<float> values) const {
  const std::int64_t head_dim = contents_.model.head_dim;
  if (tensor.shape.size() == 1) {
    std::vector<float> stored(values.size());
    decode_stored(tensor.type, data(tensor), stored);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = stored[interleaved_row(static_cast<std::int64_t>(i), head_dim)];
    return;
  }
  const std::int64_t columns = tensor.columns();
  const std::uint64_t row_bytes = tensor.bytes / tensor.rows();
  for (std::int64_t done = 0; done < static_cast<std::int64_t>(values.size()) / columns; ++done)
    decode_stored(tensor.type, data(tensor) + interleaved_row(first_row + done, head_dim) * row_bytes,
                  values.subspan(done * columns, columns));
}

Result<const TensorInfo*> MappedCheckpoint::find_own(const TensorInfo& tensor) const {
  const auto found = by_name_.find(tensor.name);
  if (found == by_name_.end())
    return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", tensor.name), tensor.name);
  if (auto whole = contents_.files[found->second->file].mapping.check_not_cut(); !whole)
    return tl::unexpected(std::move(whole.error()));
  return found->second;
}

Result<QuantizedTensor> MappedCheckpoint::read_stored(const TensorInfo& tensor, MemoryLedger& ledger,
                                                      MemoryTag codes_tag) const {
  const auto found = find_own(tensor);
  if (!found) return tl::unexpected(found.error());
  const TensorInfo& own = **found;
  if (!own.quantized) return Checkpoint::read_stored(tensor, ledger, codes_tag);
  const auto entry = find_stored(own);
  if (!entry) return tl::unexpected(entry.error());
  if (*entry != nullptr) return (*entry)->weight->read(ledger, codes_tag);
  auto stored = QuantizedTensor::allocate(ledger, own.rows(), own.columns(), *own.quantized, codes_tag);
  if (!stored) return stored;
  const std::size_t row_bytes = own.bytes / static_cast<std::size_t>(own.rows());
  for (std::int64_t row = 0; row < own.rows(); ++row) {
    const std::int64_t from = is_interleaved(own) ? interleaved_row(row, contents_.model.head_dim) : row;
    std::memcpy(stored->codes.data() + row * row_bytes, data(own) + from * row_bytes, row_bytes);
  }
  return stored;
}

Result<const TensorInfo*> MappedCheckpoint::find_rows(const TensorInfo& tensor, std::int64_t first_row,
                                                      std::int64_t row_count, std::size_t values) const {
  const auto found = find_own(tensor);
  if (!found) return found;
  const TensorInfo& own = **found;
  const std::int64_t rows = own.rows(), columns = own.columns();
  const bool inside = first_row >= 0 && row_count >= 0 && first_row <= rows && row_count <= rows - first_row;
  if (inside && values == static_cast<std::uint64_t>(row_count * columns)) return found;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} values were asked for as {} rows from row {} of {}, which has {} rows of {}.", values,
                          row_count, first_row, own.name, rows, columns),
              own.name);
}

Result<void> MappedCheckpoint::decode_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                                           std::span<float> values) const {
  const auto found = find_rows(tensor, first_row, row_count, values.size());
  if (!found) return tl::unexpected(found.error());
  if (values.empty()) return {};
  const TensorInfo& own = **found;
  const auto stored = find_stored(own);
  if (!stored) return tl::unexpected(stored.error());
  if (*stored != nullptr) return (*stored)->weight->decode_rows(first_row, row_count, values);
  if (is_interleaved(own)) {
    decode_interleaved(own, first_row, values);
    return {};
  }
  const std::uint64_t row_bytes = own.bytes / own.rows();
  contents_.files[own.file].mapping.prefetch(own.offset + first_row * row_bytes, row_count * row_bytes);
  decode_stored(own.type, data(own) + first_row * row_bytes, values);
  return {};
}

std::optional<DataType> MappedCheckpoint::copied_type(const TensorInfo& tensor) const {
  const auto found = by_name_.find(tensor.name);
  if (found == by_name_.end() || found->second->quantized || is_interleaved(*found->second)) return std::nullopt;
  if (found->second->type == StoredType::f16) return DataType::fp16;
  if (found->second->type == StoredType::bf16) return DataType::bf16;
  return std::nullopt;
}

Result<void> MappedCheckpoint::copy_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                                         std::span<std::byte> bytes) const {
  if (!copied_type(tensor)) return Checkpoint::copy_rows(tensor, first_row, row_count, bytes);
  const auto found = find_rows(tensor, first_row, row_count, bytes.size() / sizeof(std::uint16_t));
  if (!found) return tl::unexpected(found.error());
  if (bytes.empty()) return {};
  const TensorInfo& own = **found;
  const std::uint64_t row_bytes = own.bytes / own.rows();
  contents_.files[own.file].mapping.prefetch(own.offset + first_row * row_bytes, row_count * row_bytes);
  std::memcpy(bytes.data(), data(own) + first_row * row_bytes, static_cast<std::size_t>(row_count) * row_bytes);
  return {};
}

Result<const StoredEntry*> MappedCheckpoint::find_stored(const TensorInfo& tensor) const {
  const auto found = contents_.stored.find(tensor.name);
  if (found == contents_.stored.end()) return nullptr;
  for (const std::size_t file : found->second.files)
    if (auto whole = contents_.files[file].mapping.check_not_cut(); !whole)
      return tl::unexpected(std::move(whole.error()));
  return &found->second;
}

Result<std::string> MappedCheckpoint::fingerprint() const { return fingerprint_files(contents_.files); }

}  // namespace quantscope
