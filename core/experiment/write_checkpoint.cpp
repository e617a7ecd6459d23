// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/write_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/checkpoint/awq_writer.h"
#include "core/checkpoint/bitsandbytes_writer.h"
#include "core/checkpoint/gptq_writer.h"
#include "core/experiment/weight_planner.h"
#include "core/quantize/group_rounding.h"
#include "core/quantize/quantize_tensor.h"

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
  switch (tensor.type) {
    case StoredType::f32: return DataType::fp32;
    case StoredType::f16: return DataType::fp16;
    case StoredType::bf16: return DataType::bf16;
    default: return otherwise;
  }
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
      : checkpoint_(checkpoint), resolved_(resolved), backend_(backend), stop_(std::move(stop)) {}

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
    const TensorInfo* tensor = checkpoint_.find(weight.name);
    if (tensor == nullptr) return missing(weight.name);
    const PlannedWeight* planned = find(weight.name);
    if (planned == nullptr || planned->as_stored || !is_quantized(planned->format))
      return checkpoint_.decode_rows(*tensor, first_row, row_count, values);
    if (first_row == 0) {
      auto quantized = backend_.quantize(source_rows(checkpoint_, *tensor), weight.rows, weight.columns,
                                         planned->format, MemoryTag::codes);
      if (!quantized) return tl::unexpected(std::move(quantized.error()));
      decoded_ = std::move(*quantized);
    }
    return backend_.decode(*decoded_, first_row, row_count, values);
  }

 private:
  static tl::unexpected<Error> missing(const std::string& name) {
    return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", name), name);
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
};

Result<std::vector<FolderWeight>> folder_weights(const Checkpoint& checkpoint, const Resolved& resolved,
                                                 std::string_view format) {
  const bool groups = format == "gptq" || format == "awq";
  const bool as_stored = resolved.settings.method == Method::as_stored;
  const auto rounded = group_format(resolved.settings, format == "awq");
  if (groups && !as_stored && !rounded)
    return fail(ErrorCode::unsupported,
                fmt::format("{} is written from integer codes; choose int4:block=128, int8 or as-stored.", format));
  const DataType decoded = compute_data_type(resolved.plan.compute);
  std::vector<FolderWeight> weights;
  for (const PlannedWeight& planned : resolved.plan.weights) {
    const WeightSlot& slot = planned.slot;
    const TensorInfo* tensor = checkpoint.find(slot.name);
    if (tensor == nullptr)
      return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", slot.name));
    FolderWeight weight;
    weight.name = slot.name;
    weight.rows = slot.rows;
    weight.columns = slot.columns;
    weight.is_vector = slot.role == WeightRole::norm || slot.role == WeightRole::bias;
    weight.is_linear = slot.role == WeightRole::linear;
    weight.plain_type = stored_type(*tensor, planned.as_stored, decoded);
    const bool quantized = is_quantized(planned.format);
    if (format == "safetensors")
      weight.plain_type = quantized ? decoded : stored_type(*tensor, false, decoded);
    else if (quantized)
      weight.quantized = groups && !as_stored ? *rounded : planned.format;
    if (format == "safetensors" && !quantized && weight.is_linear && is_dense(resolved.settings.type))
      weight.plain_type = resolved.settings.type;
    weights.push_back(std::move(weight));
  }
  return weights;
}

std::unique_ptr<LayoutWriter> layout_of(std::string_view format, ComputeType compute) {
  if (format == "bitsandbytes") return std::make_unique<BitsandbytesWriter>(compute);
  if (format == "gptq") return std::make_unique<GptqWriter>();
  if (format == "awq") return std::make_unique<AwqWriter>();
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
  if (checkpoint.is_plan())
    return fail(ErrorCode::unsupported, "This is a plan (a config.json without weights): there is nothing to write.");
  FolderRequest request;
  request.out = out;
  request.source_folder = source_folder(checkpoint);
  if (request.source_folder.empty())
    return fail(ErrorCode::unsupported,
                "A Hugging Face folder is written from a Hugging Face folder, whose config.json goes along; this "
                "checkpoint has none.");
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
