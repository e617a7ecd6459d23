// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/checkpoint/fused_projections.h"
#include "core/checkpoint/gguf_model_pairs.h"
#include "core/checkpoint/gguf_names.h"
#include "core/checkpoint/gguf_vocabulary_pairs.h"
#include "core/checkpoint/model_families.h"
#include "core/checkpoint/stored_type.h"

namespace quantscope {
namespace {

constexpr std::int64_t tile_bytes = std::int64_t{32} << 20;

bool is_vector(const WeightSlot& slot) { return slot.role == WeightRole::norm || slot.role == WeightRole::bias; }

bool is_rotated(const WeightSlot& slot) {
  return slot.name.find(".self_attn.q_proj.") != std::string::npos ||
         slot.name.find(".self_attn.k_proj.") != std::string::npos;
}

/// Row `row` of an interleaved GGUF tensor, in Hugging Face order.
std::int64_t hugging_face_row(std::int64_t row, std::int64_t head_dim) {
  const std::int64_t within = row % head_dim;
  return row - within + within % 2 * (head_dim / 2) + within / 2;
}

GgmlType fitting_type(GgmlType type, std::int64_t columns) {
  const auto fits = [columns](GgmlType candidate) { return columns % ggml_type_info(candidate).block_values == 0; };
  if (fits(type)) return type;
  const GgmlType smaller = type == GgmlType::q4_k ? GgmlType::q5_0 : GgmlType::q8_0;
  const bool has_smaller = type == GgmlType::q4_k || type == GgmlType::q6_k;
  return has_smaller && fits(smaller) ? smaller : GgmlType::f16;
}

Result<void> check_model(const Checkpoint& checkpoint) {
  const ModelDescription& model = checkpoint.model();
  if (checkpoint.is_plan() || model.layers == 0)
    return fail(ErrorCode::invalid_argument, "There is no model with weights to write; open a whole checkpoint.");
  return check_gguf_can_describe(model);
}

/// The types that can be asked for, for messages.
std::string encodable_types() {
  std::string list;
  for (const GgmlTypeInfo& info : ggml_types)
    if (info.can_encode) list += fmt::format("{}{}", list.empty() ? "" : ", ", info.key);
  return list;
}

Result<GgmlType> stored_ggml_type(const TensorInfo& tensor) {
  if (tensor.quantized && tensor.quantized->code_type == CodeType::ggml_blocks) return tensor.quantized->ggml_type;
  const auto type = tensor.quantized ? std::nullopt : ggml_type_of(tensor.type);
  if (type) return *type;
  return fail(ErrorCode::unsupported,
              fmt::format("{} is stored in a format that GGUF does not have; choose one of the types {}.", tensor.name,
                          encodable_types()),
              tensor.name);
}

Result<GgmlType> wanted_type(const WeightSlot& slot, const TensorInfo& tensor, const GgufTypes& types) {
  if (is_vector(slot)) return GgmlType::f32;
  if (!types.linears) return stored_ggml_type(tensor);
  if (slot.role == WeightRole::linear) return fitting_type(*types.linears, slot.columns);
  const bool small = ggml_type_info(*types.linears).block_values > 1;
  return fitting_type(types.embedding.value_or(small ? GgmlType::q8_0 : *types.linears), slot.columns);
}

/// What the layout of GGUF files asks of the weights of a family.
struct Arrangement {
  const Family& family;
  std::int64_t head_dim;
  float norm_offset;  ///< is added to norms, whose stored values are offsets from 1 in Hugging Face files

  explicit Arrangement(const ModelDescription& model)
      : family(gguf_family(*find_family(model.family))), head_dim(model.head_dim), norm_offset(model.norm_offset) {}

  /// The row in Hugging Face order that stands at `row` of the file.
  std::int64_t source_row(const WeightSlot& slot, std::int64_t row) const {
    return is_interleaved(slot) ? hugging_face_row(row, head_dim) : row;
  }
  bool is_interleaved(const WeightSlot& slot) const { return family.interleaved_gguf && is_rotated(slot); }
};

/// One tensor on its way into the file.
struct Task {
  const Checkpoint& checkpoint;
  Backend& backend;
  GgufWriter& writer;
  const std::stop_token& stop;
  const Arrangement& arrangement;

  Result<void> write(const GgufPlanEntry& entry) const {
    for (const WeightSlot& slot : entry.slots) {
      const TensorInfo& tensor = *checkpoint.find(slot.name);
      auto done = is_vector(slot) ? write_vector(slot, tensor)
                  : entry.copied  ? copy_blocks(slot, tensor)
                                  : encode(slot, tensor, entry.tensor.type);
      if (!done) return done;
    }
    return {};
  }

  Result<void> write_vector(const WeightSlot& slot, const TensorInfo& tensor) const {
    std::vector<float> values(static_cast<std::size_t>(slot.columns)), ordered(values.size());
    if (auto read = checkpoint.decode_rows(tensor, 0, 1, values); !read) return read;
    const float offset = slot.role == WeightRole::norm ? arrangement.norm_offset : 0.0F;
    for (std::size_t i = 0; i < values.size(); ++i)
      ordered[i] =
          values[static_cast<std::size_t>(arrangement.source_row(slot, static_cast<std::int64_t>(i)))] + offset;
    return writer.append(std::as_bytes(std::span(ordered)));
  }

  Result<void> copy_blocks(const WeightSlot& slot, const TensorInfo& tensor) const {
    auto stored = checkpoint.read_stored(tensor, backend.upload_ledger(), MemoryTag::workspace);
    if (!stored) return tl::unexpected(std::move(stored.error()));
    const auto row_bytes = stored->codes.size() / static_cast<std::size_t>(slot.rows);
    for (std::int64_t row = 0; row < slot.rows; ++row) {
      if (stop.stop_requested()) return cancelled();
      const auto from = static_cast<std::size_t>(arrangement.source_row(slot, row)) * row_bytes;
      if (auto done = writer.append({stored->codes.data() + from, row_bytes}); !done) return done;
    }
    return {};
  }

  Result<void> encode(const WeightSlot& slot, const TensorInfo& tensor, GgmlType type) const {
    const std::int64_t columns = slot.columns;
    const std::int64_t tile = std::max<std::int64_t>(1, tile_bytes / (4 * columns));
    for (std::int64_t first = 0; first < slot.rows; first += tile) {
      if (stop.stop_requested()) return cancelled();
      const RowReader reader = [&](std::int64_t row, std::int64_t count, std::span<float> values) {
        return read_rows(slot, tensor, first + row, count, values);
      };
      const std::int64_t rows = std::min(tile, slot.rows - first);
      auto weight = backend.quantize(reader, rows, columns, ggml_format(type), MemoryTag::workspace);
      if (!weight) return tl::unexpected(std::move(weight.error()));
      auto blocks = backend.download(**weight);
      if (!blocks) return tl::unexpected(std::move(blocks.error()));
      if (auto done = writer.append({blocks->codes.data(), blocks->codes.size()}); !done) return done;
    }
    return {};
  }

  /// Rows in the order of the file.
  Result<void> read_rows(const WeightSlot& slot, const TensorInfo& tensor, std::int64_t first, std::int64_t count,
                         std::span<float> values) const {
    if (!arrangement.is_interleaved(slot)) return checkpoint.decode_rows(tensor, first, count, values);
    const auto columns = static_cast<std::size_t>(slot.columns);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto part = values.subspan(static_cast<std::size_t>(i) * columns, columns);
      auto read = checkpoint.decode_rows(tensor, arrangement.source_row(slot, first + i), 1, part);
      if (!read) return read;
    }
    return {};
  }
};

/// What most linear values are written as.
GgmlType common_type(const std::vector<GgufPlanEntry>& plan) {
  std::map<GgmlType, std::int64_t> values;
  for (const GgufPlanEntry& entry : plan)
    if (entry.slots.front().role == WeightRole::linear)
      for (const WeightSlot& slot : entry.slots) values[entry.tensor.type] += slot.rows * slot.columns;
  const auto most = std::ranges::max_element(values, {}, [](const auto& pair) { return pair.second; });
  return most == values.end() ? GgmlType::f32 : most->first;
}

Result<GgufPlanEntry> plan_tensor(const Checkpoint& checkpoint, const GgufTypes& types, std::vector<WeightSlot> slots,
                                  const Family& family) {
  GgufPlanEntry entry{{}, {gguf_name(stored_name(slots), family), {0, slots.front().columns}, {}}, true};
  for (const WeightSlot& slot : slots) {
    const TensorInfo* tensor = checkpoint.find(slot.name);
    if (tensor == nullptr)
      return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", slot.name), slot.name);
    const auto type = wanted_type(slot, *tensor, types);
    if (!type) return tl::unexpected(type.error());
    if (entry.tensor.shape.front() > 0 && entry.tensor.type != *type)
      return fail(ErrorCode::unsupported,
                  fmt::format("{} is stored in another type than the projections that it is fused with; choose one of "
                              "the types {}.",
                              slot.name, encodable_types()),
                  slot.name);
    entry.tensor.type = *type;
    entry.tensor.shape.front() += slot.rows;
    entry.copied = entry.copied && tensor->quantized == ggml_format(*type);
  }
  if (!entry.copied && !ggml_type_info(entry.tensor.type).can_encode)
    return fail(ErrorCode::unsupported, fmt::format("{} cannot be encoded; choose one of the types {}.",
                                                    ggml_type_info(entry.tensor.type).name, encodable_types()));
  if (is_vector(slots.front())) entry.tensor.shape = {slots.front().columns};
  entry.slots = std::move(slots);
  return entry;
}

}  // namespace

Result<std::vector<GgufPlanEntry>> plan_gguf(const Checkpoint& checkpoint, const GgufTypes& types) {
  if (auto written = check_model(checkpoint); !written) return tl::unexpected(std::move(written.error()));
  const Family& family = gguf_family(*find_family(checkpoint.model().family));
  std::vector<GgufPlanEntry> plan;
  for (std::vector<WeightSlot>& slots : stored_slots(checkpoint.model())) {
    auto entry = plan_tensor(checkpoint, types, std::move(slots), family);
    if (!entry) return tl::unexpected(std::move(entry.error()));
    plan.push_back(std::move(*entry));
  }
  return plan;
}

Result<void> write_gguf(const Checkpoint& checkpoint, const GgufVocabulary& vocabulary, const GgufTypes& types,
                        Backend& backend, const std::filesystem::path& path, const ProgressFn& progress,
                        std::stop_token stop) {
  const auto plan = plan_gguf(checkpoint, types);
  if (!plan) return tl::unexpected(plan.error());
  GgufPairs pairs;
  add_model_pairs(pairs, checkpoint.model(), common_type(*plan));
  if (auto added = add_vocabulary_pairs(pairs, vocabulary, checkpoint.model().vocabulary); !added) return added;
  std::vector<GgufTensor> tensors;
  for (const GgufPlanEntry& entry : *plan) tensors.push_back(entry.tensor);
  const std::vector<float> divisors = gguf_rope_divisors(checkpoint.model());
  if (!divisors.empty()) tensors.push_back({"rope_freqs.weight", {std::ssize(divisors)}, GgmlType::f32});
  auto writer = GgufWriter::create(path, pairs, std::move(tensors));
  if (!writer) return tl::unexpected(std::move(writer.error()));
  const Arrangement arrangement(checkpoint.model());
  const Task task{checkpoint, backend, *writer, stop, arrangement};
  for (std::size_t i = 0; i < plan->size(); ++i) {
    if (progress) progress({"Writing", static_cast<std::int64_t>(i), std::ssize(*plan), (*plan)[i].slots.front().name});
    if (auto written = task.write((*plan)[i]); !written) return written;
  }
  if (!divisors.empty())
    if (auto written = writer->append(std::as_bytes(std::span(divisors))); !written) return written;
  if (auto finished = writer->finish(); !finished) return finished;
  if (progress) progress({"Writing", std::ssize(*plan), std::ssize(*plan), path.filename().string()});
  return {};
}

}  // namespace quantscope
