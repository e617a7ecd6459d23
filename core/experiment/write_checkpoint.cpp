// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/write_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/checkpoint/fused_projections.h"
#include "core/checkpoint/hugging_face_config.h"
#include "core/checkpoint/layout_writer.h"
#include "core/checkpoint/model_families.h"
#include "core/checkpoint/stored_type.h"
#include "core/experiment/weight_planner.h"
#include "core/quantize/group_rounding.h"
#include "core/quantize/quantize_tensor.h"
#include "core/tokenizer/hugging_face_tokenizer.h"

namespace quantscope {
namespace {

constexpr std::array<std::string_view, 4> formats = {"bitsandbytes", "gptq", "awq", "safetensors"};

/// The folder of a Hugging Face checkpoint; empty for others.
std::filesystem::path source_folder(const Checkpoint& checkpoint) {
  const auto files = checkpoint.files();
  const auto config = std::ranges::find(files, "config.json", &std::filesystem::path::filename);
  return config == files.end() ? std::filesystem::path() : config->parent_path();
}

/// The type of plain values, or of those that were there before codes which go along as they are.
DataType stored_type(const TensorInfo& tensor, bool as_stored, DataType otherwise) {
  if (tensor.quantized && !as_stored) return otherwise;
  return plain_data_type(tensor.type).value_or(otherwise);
}

/// Symmetric groups for GPTQ, groups with zero points for AWQ, of as many bits as the data type has. Nothing for types
/// that are no integers.
std::optional<WeightFormat> group_format(const Settings& settings, bool zero_points) {
  if (settings.type != DataType::int4 && settings.type != DataType::int8) return std::nullopt;
  WeightFormat format =
      affine_format(settings.type == DataType::int4 ? 4 : 8, settings.block_size.value_or(128), ScaleType::float16);
  if (zero_points) format.zero_point = ZeroPoint::integer;
  return format;
}

/// Gives the folder writer what it asks for.
class WeightFeed {
 public:
  WeightFeed(const Checkpoint& checkpoint, const Resolved& resolved, Backend& backend, std::stop_token stop)
      : checkpoint_(checkpoint), resolved_(resolved), backend_(backend), stop_(std::move(stop)) {
    const ModelDescription& model = checkpoint.model();
    stored_norm_offset_ = (find_family(model.family)->norm_offset ? 1.0F : 0.0F) - model.norm_offset;
  }

  Result<QuantizedTensor> stored(const FolderWeight& weight) {
    const TensorInfo* tensor = checkpoint_.find(weight.name);
    if (tensor == nullptr) return missing(weight.name);
    const PlannedWeight* planned = find(weight.name);
    if (planned != nullptr && planned->as_stored) return checkpoint_.read_stored(*tensor, host_, MemoryTag::codes);
    if (weight.quantized->levels == Levels::affine)
      return round_to_groups(source_rows(checkpoint_, *tensor), weight.rows, weight.columns, *weight.quantized, host_,
                             weight.name, stop_);
    auto quantized = backend_.quantize(source_rows(checkpoint_, *tensor), weight.rows, weight.columns,
                                       *weight.quantized, MemoryTag::codes);
    if (!quantized) return tl::unexpected(std::move(quantized.error()));
    return backend_.download(**quantized);
  }

  /// Rows of a weight that stays as it is, or of the decoded values of one that does not.
  Result<void> plain(const FolderWeight& weight, std::int64_t first_row, std::int64_t row_count,
                     std::span<float> values) {
    if (weight.parts.empty()) return plain_part(weight.name, first_row, row_count, values);
    for (std::int64_t begin = 0; const FolderWeight::Part& part : weight.parts) {
      const std::int64_t first = std::max(first_row, begin), last = std::min(first_row + row_count, begin + part.rows);
      if (first < last) {
        const auto range = values.subspan(static_cast<std::size_t>((first - first_row) * weight.columns),
                                          static_cast<std::size_t>((last - first) * weight.columns));
        if (auto read = plain_part(part.name, first - begin, last - first, range); !read) return read;
      }
      begin += part.rows;
    }
    return {};
  }

 private:
  static tl::unexpected<Error> missing(const std::string& name) {
    return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", name), name);
  }
  Result<void> plain_part(const std::string& name, std::int64_t first_row, std::int64_t row_count,
                          std::span<float> values) {
    const TensorInfo* tensor = checkpoint_.find(name);
    if (tensor == nullptr) return missing(name);
    const PlannedWeight* planned = find(name);
    if (planned == nullptr || planned->as_stored || !is_quantized(planned->format)) {
      auto read = checkpoint_.decode_rows(*tensor, first_row, row_count, values);
      if (read && planned != nullptr && planned->slot.role == WeightRole::norm)
        for (float& value : values) value -= stored_norm_offset_;
      return read;
    }
    if (first_row == 0) {
      auto quantized = backend_.quantize(source_rows(checkpoint_, *tensor), tensor->rows(), tensor->columns(),
                                         planned->format, MemoryTag::codes);
      if (!quantized) return tl::unexpected(std::move(quantized.error()));
      decoded_ = std::move(*quantized);
    }
    return backend_.decode(*decoded_, first_row, row_count, values);
  }

  const PlannedWeight* find(std::string_view name) const {
    const auto found = std::ranges::find_if(resolved_.plan.weights,
                                            [&](const PlannedWeight& weight) { return weight.slot.name == name; });
    return found == resolved_.plan.weights.end() ? nullptr : &*found;
  }

  const Checkpoint& checkpoint_;
  const Resolved& resolved_;
  Backend& backend_;
  std::stop_token stop_;
  MemoryLedger host_;
  std::unique_ptr<Weight> decoded_;  // the weight whose rows are being asked for
  float stored_norm_offset_ = 0.0F;  // GGUF's norms less this are those of the family's Hugging Face files
};

/// What becomes of one weight of the model; its codes are those of the plan.
Result<FolderWeight> folder_weight(const Checkpoint& checkpoint, const Resolved& resolved, const std::string& name,
                                   std::string_view format) {
  const auto planned =
      std::ranges::find_if(resolved.plan.weights, [&](const PlannedWeight& other) { return other.slot.name == name; });
  const TensorInfo* tensor = checkpoint.find(name);
  if (tensor == nullptr || planned == resolved.plan.weights.end())
    return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", name));
  const DataType decoded = compute_data_type(resolved.plan.compute);
  const WeightSlot& slot = planned->slot;
  const bool quantized = is_quantized(planned->format);
  FolderWeight weight;
  weight.name = slot.name;
  weight.rows = slot.rows;
  weight.columns = slot.columns;
  weight.is_vector = slot.role == WeightRole::norm || slot.role == WeightRole::bias;
  weight.is_linear = slot.role == WeightRole::linear;
  weight.plain_type = stored_type(*tensor, planned->as_stored, decoded);
  if (format == "safetensors")
    weight.plain_type = quantized ? decoded : stored_type(*tensor, false, decoded);
  else if (quantized)
    weight.quantized = planned->format;
  if (format == "safetensors" && !quantized && weight.is_linear && is_dense(resolved.settings.type))
    weight.plain_type = resolved.settings.type;
  return weight;
}

/// Adds a weight to the tensor that holds it, which is the weight itself unless its family fuses projections.
Result<void> join(FolderWeight& whole, FolderWeight weight, const std::vector<WeightSlot>& slots) {
  if (slots.size() == 1) {
    whole = std::move(weight);
    return {};
  }
  if (weight.quantized)
    return fail(ErrorCode::unsupported,
                fmt::format("{} is a part of {}, and fused projections are not written quantized; write gguf, or "
                            "safetensors with the decoded weights.",
                            weight.name, stored_name(slots)),
                weight.name);
  std::vector<FolderWeight::Part> parts = std::move(whole.parts);
  parts.push_back({weight.name, weight.rows});
  const std::int64_t rows = whole.rows;
  const bool is_first = parts.size() == 1;
  if (!is_first && weight.plain_type != whole.plain_type) weight.plain_type = DataType::fp32;
  whole = std::move(weight);
  whole.rows += is_first ? 0 : rows;
  whole.name = stored_name(slots);
  whole.parts = std::move(parts);
  return {};
}

Result<std::vector<FolderWeight>> folder_weights(const Checkpoint& checkpoint, const Resolved& resolved,
                                                 std::string_view format) {
  const bool groups = format == "gptq" || format == "awq";
  const bool as_stored = resolved.settings.method == Method::as_stored;
  const auto rounded = group_format(resolved.settings, format == "awq");
  if (groups && !as_stored && !rounded)
    return fail(ErrorCode::unsupported,
                fmt::format("{} is written from integer codes; choose int4:block=128, int8 or as-stored.", format));
  std::vector<FolderWeight> weights;
  for (const std::vector<WeightSlot>& slots : stored_slots(checkpoint.model())) {
    FolderWeight whole;
    for (const WeightSlot& slot : slots) {
      auto weight = folder_weight(checkpoint, resolved, slot.name, format);
      if (!weight) return tl::unexpected(std::move(weight.error()));
      if (weight->quantized && groups && !as_stored) weight->quantized = *rounded;
      if (auto joined = join(whole, std::move(*weight), slots); !joined)
        return tl::unexpected(std::move(joined.error()));
    }
    weights.push_back(std::move(whole));
  }
  return weights;
}

/// config.json and tokenizer of a checkpoint that came without them.
Result<void> describe(const Checkpoint& checkpoint, FolderRequest& request) {
  auto config = hugging_face_config(checkpoint.model());
  if (!config) return tl::unexpected(std::move(config.error()));
  request.config = std::move(*config);
  const auto* vocabulary = std::get_if<GgufVocabulary>(&checkpoint.tokenizer());
  if (vocabulary == nullptr) return {};
  auto texts = hugging_face_tokenizer(*vocabulary);
  if (!texts) return tl::unexpected(std::move(texts.error()));
  request.texts = std::move(*texts);
  return {};
}

std::unique_ptr<LayoutWriter> layout_of(std::string_view format, ComputeType compute) {
  if (format == "bitsandbytes") return bitsandbytes_writer(compute);
  if (format == "gptq") return gptq_writer();
  if (format == "awq") return awq_writer();
  return nullptr;
}

}  // namespace

std::span<const std::string_view> folder_formats() { return formats; }

Result<WrittenFolder> write_checkpoint(const Checkpoint& checkpoint, const Resolved& resolved, Backend& backend,
                                       std::string_view format, const std::filesystem::path& out,
                                       const ProgressFn& progress, std::stop_token stop) {
  if (std::ranges::find(formats, format) == formats.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("There is no format '{}'; choose one of {}.", format, fmt::join(formats, ", ")));
  if (checkpoint.is_plan() || checkpoint.model().layers == 0)
    return fail(ErrorCode::unsupported,
                "This is a plan (a config.json without weights) or a file of tensors without a model: there is nothing "
                "to write.");
  FolderRequest request;
  request.out = out;
  request.source_folder = source_folder(checkpoint);
  if (request.source_folder.empty())
    if (auto described = describe(checkpoint, request); !described) return tl::unexpected(std::move(described.error()));
  auto weights = folder_weights(checkpoint, resolved, format);
  if (!weights) return tl::unexpected(std::move(weights.error()));
  request.weights = std::move(*weights);
  const auto layout = layout_of(format, resolved.plan.compute);
  request.layout = layout.get();
  backend.set_stop_token(stop);
  WeightFeed feed(checkpoint, resolved, backend, stop);
  return write_hugging_face_folder(
      request, [&](const FolderWeight& weight) { return feed.stored(weight); },
      [&](const FolderWeight& weight, std::int64_t first_row, std::int64_t row_count, std::span<float> values) {
        return feed.plain(weight, first_row, row_count, values);
      },
      progress, stop);
}

}  // namespace quantscope
