// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/open_hugging_face.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>

#include "core/checkpoint/config_json.h"
#include "core/checkpoint/fused_projections.h"
#include "core/checkpoint/json_document.h"
#include "core/checkpoint/quantized_layouts.h"
#include "core/checkpoint/safetensors_shards.h"
#include "core/checkpoint/stored_type.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;

bool is_present(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at is reported when it is opened
  return fs::exists(fs::symlink_status(path, ignored));
}

/// All files of the folder with this extension, sorted.
std::vector<fs::path> files_with_extension(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
    if (entry->path().extension() == extension) found.push_back(entry->path());
  std::ranges::sort(found);
  return found;
}

tl::unexpected<Error> no_config(const fs::path& folder) {
  const auto gguf = files_with_extension(folder, ".gguf");
  const std::string advice = gguf.empty() ? "choose the folder of a Hugging Face checkpoint"
                                          : fmt::format("open {} itself", gguf.front().filename().string());
  return fail(ErrorCode::not_found, fmt::format("The folder {} has no config.json; {}.", folder.string(), advice),
              folder.string());
}

/// The weights of a folder; nothing where it has none at all.
Result<std::optional<SafetensorsShards>> open_weights(const fs::path& folder) {
  const auto some = [](SafetensorsShards&& shards) { return std::optional(std::move(shards)); };
  if (const fs::path single = folder / "model.safetensors"; is_present(single))
    return open_single_safetensors(single).map(some);
  if (const fs::path index = folder / "model.safetensors.index.json"; is_present(index))
    return open_indexed_safetensors(index).map(some);
  const auto files = files_with_extension(folder, ".safetensors");
  if (files.size() == 1) return open_single_safetensors(files.front()).map(some);
  if (files.size() > 1)
    return fail(
        ErrorCode::not_found,
        fmt::format("The folder {} has {} .safetensors files and no model.safetensors.index.json that says what "
                    "they hold; download the index too.",
                    folder.string(), files.size()),
        folder.string());
  for (const std::string_view extension : {".bin", ".pt", ".pth"})
    if (const auto pickles = files_with_extension(folder, extension); !pickles.empty())
      return fail(ErrorCode::unsupported,
                  fmt::format("The folder {} has its weights in {}, which is not read; convert them to safetensors.",
                              folder.string(), pickles.front().filename().string()),
                  folder.string());
  return std::nullopt;
}

/// transformers generates until a token that generation_config.json names, and asks config.json only without it.
Result<void> read_generation_config(const fs::path& path, ModelDescription& model) {
  if (!is_present(path)) return {};
  const auto document = open_json(path);
  if (!document) return tl::unexpected(document.error());
  auto ids = read_end_ids(document->root, path);
  if (!ids) return tl::unexpected(std::move(ids.error()));
  if (!ids->empty()) model.end_ids = std::move(*ids);
  return {};
}

struct DescribedFolder {
  CheckpointContents contents;
  CheckpointFile config;
  std::optional<QuantizationConfig> quantization;
};

Result<DescribedFolder> describe_folder(const fs::path& config) {
  auto document = open_json(config);
  if (!document) return tl::unexpected(std::move(document.error()));
  auto model = describe_config(document->root, config);
  if (!model) return tl::unexpected(std::move(model.error()));
  auto quantization = read_quantization_config(document->root, config);
  if (!quantization) return tl::unexpected(std::move(quantization.error()));
  if (*quantization)
    if (auto known = check_quantization_method(**quantization); !known) return tl::unexpected(std::move(known.error()));
  const fs::path folder = config.parent_path();
  auto generation = read_generation_config(folder / "generation_config.json", *model);
  if (!generation) return tl::unexpected(std::move(generation.error()));
  CheckpointContents contents;
  contents.model = std::move(*model);
  if (const fs::path tokenizer = folder / "tokenizer.json"; is_present(tokenizer)) contents.tokenizer = tokenizer;
  return DescribedFolder{std::move(contents), std::move(document->file), std::move(*quantization)};
}

std::string folder_name(const fs::path& folder) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(folder, ignored).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

/// Fails where the model needs a weight that is stored in a type that is not read.
Result<void> check_unread(const ModelDescription& model, std::span<const FileTensor* const> unread,
                          const FileTensors& tensors) {
  if (unread.empty()) return {};
  const auto slots = weight_slots(model);
  for (const FileTensor* tensor : unread)
    if (std::ranges::find(slots, tensor->name, &WeightSlot::name) != slots.end())
      return fail(
          ErrorCode::unsupported,
          fmt::format("Tensor {} is stored as {} and no quantization that is read explains it; choose a checkpoint in "
                      "F64, F32, F16 or BF16.",
                      tensor->name, tensor->dtype),
          fmt::format("{}, tensor {}", tensors.path(*tensor).string(), tensor->name));
  return {};
}

/// Enters the tensors: the quantized weights, each made of several tensors of the files, then the plain ones.
Result<void> add_tensors(CheckpointContents& contents, const FileTensors& tensors, QuantizedWeights quantized) {
  for (QuantizedWeights::Weight& weight : quantized.weights) {
    contents.stored.emplace(weight.info.name, StoredEntry{std::move(weight.stored), std::move(weight.files)});
    contents.tensors.push_back(std::move(weight.info));
  }
  std::vector<const FileTensor*> unread;
  for (const FileTensor& tensor : tensors.all()) {
    if (quantized.used.contains(tensor.name)) continue;
    const auto type = stored_type_of_safetensors(tensor.dtype);
    if (!type) {
      unread.push_back(&tensor);
      continue;
    }
    TensorInfo info;
    info.name = info.stored_name = tensor.name;
    info.type = *type;
    info.shape = tensor.shape;
    info.bytes = tensor.bytes;
    info.offset = tensor.offset;
    info.file = tensor.file;
    contents.tensors.push_back(std::move(info));
  }
  std::ranges::sort(contents.tensors, {}, &TensorInfo::name);
  return check_unread(contents.model, unread, tensors);
}

/// Moves the shards in; the model then speaks of what is stored, not of what its config.json plans.
Result<void> add_shards(CheckpointContents& contents, SafetensorsShards shards, const QuantizationConfig* config) {
  const FileTensors tensors(shards.tensors, shards.files);
  auto quantized = find_quantized_weights(tensors, config);
  if (!quantized) return tl::unexpected(std::move(quantized.error()));
  if (auto added = add_tensors(contents, tensors, std::move(*quantized)); !added) return added;
  contents.files = std::move(shards.files);
  const auto embedding = std::ranges::find(contents.tensors, "model.embed_tokens.weight", &TensorInfo::name);
  if (embedding != contents.tensors.end() && !embedding->quantized)
    contents.model.stored_value_bytes = std::min<std::int64_t>(4, stored_type_info(embedding->type).block_bytes);
  return {};
}

tl::unexpected<Error> no_tensors(const fs::path& path) {
  return fail(ErrorCode::not_found,
              fmt::format("{} holds no tensor in F64, F32, F16 or BF16; choose another checkpoint.", path.string()),
              path.string());
}

}  // namespace

Result<std::shared_ptr<const Checkpoint>> open_hugging_face_folder(const fs::path& folder) {
  const fs::path config = folder / "config.json";
  if (!is_present(config)) return no_config(folder);
  auto described = describe_folder(config);
  if (!described) return tl::unexpected(std::move(described.error()));
  CheckpointContents& contents = described->contents;
  contents.model.name = folder_name(folder);
  auto weights = open_weights(folder);
  if (!weights) return tl::unexpected(std::move(weights.error()));
  if (*weights) {
    const QuantizationConfig* quantization = described->quantization ? &*described->quantization : nullptr;
    auto added = add_shards(contents, std::move(**weights), quantization);
    if (!added) return tl::unexpected(std::move(added.error()));
    if (contents.tensors.empty()) return no_tensors(folder);
    split_fused_projections(contents.model, contents.tensors);
    std::vector<fs::path> files;
    for (const CheckpointFile& file : contents.files) files.push_back(file.mapping.path());
    if (auto whole = check_fused_projections(contents.tensors, files); !whole)
      return tl::unexpected(std::move(whole.error()));
  }
  contents.files.push_back(std::move(described->config));
  return MappedCheckpoint::create(std::move(contents));
}

Result<std::shared_ptr<const Checkpoint>> open_config(const fs::path& path) {
  auto described = describe_folder(path);
  if (!described) return tl::unexpected(std::move(described.error()));
  CheckpointContents& contents = described->contents;
  contents.model.name = path.filename() == "config.json" ? folder_name(path.parent_path()) : path.stem().string();
  contents.files.push_back(std::move(described->config));
  return MappedCheckpoint::create(std::move(contents));
}

Result<std::shared_ptr<const Checkpoint>> open_safetensors(const fs::path& path,
                                                           const QuantizationConfig* quantization) {
  auto shards = open_single_safetensors(path);
  if (!shards) return tl::unexpected(std::move(shards.error()));
  CheckpointContents contents;
  contents.model.name = path.stem().string();
  if (auto added = add_shards(contents, std::move(*shards), quantization); !added)
    return tl::unexpected(std::move(added.error()));
  if (contents.tensors.empty()) return no_tensors(path);
  return MappedCheckpoint::create(std::move(contents));
}

}  // namespace quantscope
