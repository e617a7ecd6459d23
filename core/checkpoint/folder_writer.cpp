// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/folder_writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "core/checkpoint/json_document.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::int64_t tile_values = std::int64_t{1} << 20;

/// Files beside the weights that belong to a model.
constexpr std::string_view companions[] = {"generation_config.json",
                                           "tokenizer.json",
                                           "tokenizer_config.json",
                                           "special_tokens_map.json",
                                           "added_tokens.json",
                                           "tokenizer.model",
                                           "vocab.json",
                                           "merges.txt",
                                           "chat_template.jinja"};

std::string_view dtype_of(DataType type) {
  if (type == DataType::fp16) return "F16";
  return type == DataType::bf16 ? "BF16" : "F32";
}

std::int64_t value_bytes(DataType type) { return type == DataType::fp32 ? 4 : 2; }

LayoutWeight layout_weight(const FolderWeight& weight) {
  return {weight.name, weight.rows, weight.columns, *weight.quantized, weight.plain_type};
}

TensorDeclaration plain_declaration(const FolderWeight& weight) {
  std::vector<std::int64_t> shape = {weight.rows, weight.columns};
  if (weight.is_vector) shape = {weight.columns};
  return {weight.name, dtype_of(weight.plain_type), std::move(shape),
          static_cast<std::uint64_t>(weight.rows * weight.columns * value_bytes(weight.plain_type))};
}

/// A folder that takes its name when it is complete and goes away when it is not.
class NewFolder {
 public:
  static Result<NewFolder> create(const fs::path& path) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error)))
      return fail(ErrorCode::io, fmt::format("{} exists already; choose another name or remove it.", path.string()),
                  path.string());
    NewFolder folder;
    folder.path_ = fs::absolute(path, error).lexically_normal();
    if (!folder.path_.has_filename()) folder.path_ = folder.path_.parent_path();
    folder.temporary_ = folder.path_;
    folder.temporary_ += fmt::format(".{}.part", ::getpid());
    fs::create_directories(folder.temporary_.parent_path(), error);
    if (!fs::create_directory(folder.temporary_, error))
      return fail(ErrorCode::io,
                  fmt::format("Cannot make the folder {} ({}); choose another place.", folder.temporary_.string(),
                              error ? error.message() : "it exists already"),
                  path.string());
    return folder;
  }
  NewFolder(NewFolder&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, fs::path())) {}
  NewFolder& operator=(NewFolder&&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  }

  const fs::path& path() const { return temporary_; }

  Result<void> finish() {
    std::error_code error;
    fs::rename(temporary_, path_, error);
    if (error)
      return fail(ErrorCode::io, fmt::format("Cannot name the folder {} ({}).", path_.string(), error.message()),
                  path_.string());
    temporary_.clear();
    return {};
  }

 private:
  NewFolder() = default;
  fs::path path_, temporary_;
};

/// Weights of one file.
struct Shard {
  std::string file;
  std::vector<const FolderWeight*> weights;
  std::vector<TensorDeclaration> tensors;
  std::uint64_t bytes = 0;
};

class Writer {
 public:
  Writer(const FolderRequest& request, const StoredSource& stored, const PlainSource& plain, const ProgressFn& progress,
         std::stop_token stop)
      : request_(request), stored_(stored), plain_(plain), progress_(progress), stop_(std::move(stop)) {}

  Result<WrittenFolder> run() {
    if (auto same = check_formats(); !same) return tl::unexpected(std::move(same.error()));
    auto config = make_config();
    if (!config) return tl::unexpected(std::move(config.error()));
    if (auto planned = plan_shards(); !planned) return tl::unexpected(std::move(planned.error()));
    auto folder = NewFolder::create(request_.out);
    if (!folder) return tl::unexpected(std::move(folder.error()));
    for (const Shard& shard : shards_)
      if (auto done = write_shard(shard, folder->path()); !done) return tl::unexpected(std::move(done.error()));
    if (auto done = write_texts(*config, folder->path()); !done) return tl::unexpected(std::move(done.error()));
    if (auto done = folder->finish(); !done) return tl::unexpected(std::move(done.error()));
    WrittenFolder written;
    written.files = std::ssize(shards_);
    for (const Shard& shard : shards_) written.bytes += shard.bytes;
    return written;
  }

 private:
  /// A quantization_config speaks for all weights.
  Result<void> check_formats() const {
    const WeightFormat* first = nullptr;
    for (const FolderWeight& weight : request_.weights) {
      if (!weight.quantized) continue;
      if (request_.layout == nullptr)
        return fail(ErrorCode::unsupported, fmt::format("{} is to be quantized and no layout is given.", weight.name));
      if (!weight.is_linear)
        return fail(ErrorCode::unsupported,
                    fmt::format("{} is no linear of a block, and these folders hold such quantized only; keep the "
                                "embedding and the head (--scope linears, --head keep).",
                                weight.name),
                    weight.name);
      if (first == nullptr) first = &*weight.quantized;
      WeightFormat other = *weight.quantized;
      other.block_size = first->block_size;
      other.group_index = first->group_index;
      const bool same_group = other.levels == Levels::affine ? true : *weight.quantized == *first;
      if (!(other == *first) || !same_group)
        return fail(ErrorCode::unsupported,
                    fmt::format("{} is in another format than the weights before it, and one quantization_config "
                                "speaks for all; leave out the overrides.",
                                weight.name),
                    weight.name);
    }
    if (request_.layout != nullptr && first == nullptr)
      return fail(ErrorCode::unsupported, "No weight is to be quantized; write safetensors instead.");
    return {};
  }

  Result<ordered_json> make_config() const {
    auto source = request_.source_folder.empty() ? Result<ordered_json>(request_.config) : source_config();
    if (!source) return source;
    ordered_json config = std::move(*source);
    config.erase("quantization_config");
    if (request_.layout == nullptr) {
      const char* key = config.contains("dtype") ? "dtype" : "torch_dtype";
      config[key] = plain_dtype();
      return config;
    }
    std::vector<LayoutWeight> weights;
    std::vector<std::string> plain_modules;
    for (const FolderWeight& weight : request_.weights) {
      if (weight.quantized) weights.push_back(layout_weight(weight));
      if (!weight.quantized && weight.is_linear) plain_modules.push_back(module_of(weight.name));
    }
    config["quantization_config"] = request_.layout->config(weights, plain_modules);
    return config;
  }

  Result<ordered_json> source_config() const {
    const auto document = open_json(request_.source_folder / "config.json");
    if (!document) return tl::unexpected(document.error());
    const auto bytes = document->file.mapping.bytes();
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    return ordered_json::parse(text, text + bytes.size(), nullptr, false);
  }

  const char* plain_dtype() const {
    for (const FolderWeight& weight : request_.weights)
      if (weight.is_linear) {
        if (weight.plain_type == DataType::fp16) return "float16";
        return weight.plain_type == DataType::bf16 ? "bfloat16" : "float32";
      }
    return "float32";
  }

  Result<std::vector<TensorDeclaration>> declare(const FolderWeight& weight) const {
    if (weight.quantized) return request_.layout->declare(layout_weight(weight));
    return std::vector<TensorDeclaration>{plain_declaration(weight)};
  }

  Result<void> plan_shards() {
    shards_.emplace_back();
    for (const FolderWeight& weight : request_.weights) {
      auto tensors = declare(weight);
      if (!tensors) return tl::unexpected(std::move(tensors.error()));
      std::uint64_t bytes = 0;
      for (const TensorDeclaration& tensor : *tensors) bytes += tensor.bytes;
      if (shards_.back().bytes > 0 && shards_.back().bytes + bytes > request_.shard_bytes) shards_.emplace_back();
      Shard& shard = shards_.back();
      shard.bytes += bytes;
      shard.weights.push_back(&weight);
      std::ranges::move(*tensors, std::back_inserter(shard.tensors));
    }
    for (std::size_t i = 0; i < shards_.size(); ++i)
      shards_[i].file = shards_.size() == 1 ? std::string("model.safetensors")
                                            : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards_.size());
    return {};
  }

  Result<void> write_shard(const Shard& shard, const fs::path& folder) {
    auto file = SafetensorsWriter::create(folder / shard.file, shard.tensors);
    if (!file) return tl::unexpected(std::move(file.error()));
    for (const FolderWeight* weight : shard.weights) {
      if (stop_.stop_requested()) return cancelled();
      if (progress_) progress_({"Writing", done_++, std::ssize(request_.weights), weight->name});
      auto written = weight->quantized ? write_quantized(*weight, *file) : write_plain(*weight, *file);
      if (!written) return written;
    }
    return file->finish();
  }

  Result<void> write_quantized(const FolderWeight& weight, SafetensorsWriter& file) const {
    const auto tensor = stored_(weight);
    if (!tensor) return tl::unexpected(tensor.error());
    return request_.layout->append(layout_weight(weight), *tensor, file);
  }

  Result<void> write_plain(const FolderWeight& weight, SafetensorsWriter& file) const {
    const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_values / weight.columns, 1, weight.rows);
    std::vector<float> values(static_cast<std::size_t>(tile_rows * weight.columns));
    std::vector<std::uint16_t> halves(weight.plain_type == DataType::fp32 ? 0 : values.size());
    for (std::int64_t row = 0; row < weight.rows; row += tile_rows) {
      if (stop_.stop_requested()) return cancelled();
      const std::int64_t rows = std::min(tile_rows, weight.rows - row);
      const auto tile = std::span(values).first(static_cast<std::size_t>(rows * weight.columns));
      if (auto read = plain_(weight, row, rows, tile); !read) return read;
      auto written = weight.plain_type == DataType::fp32
                         ? file.append_values<float>(tile)
                         : file.append_values<std::uint16_t>(rounded(tile, weight.plain_type, halves));
      if (!written) return written;
    }
    return {};
  }

  static std::span<const std::uint16_t> rounded(std::span<const float> values, DataType type,
                                                std::vector<std::uint16_t>& halves) {
    for (std::size_t i = 0; i < values.size(); ++i)
      halves[i] = type == DataType::fp16 ? fp32_to_fp16(values[i]) : fp32_to_bf16(values[i]);
    return std::span(halves).first(values.size());
  }

  Result<void> write_texts(const ordered_json& config, const fs::path& folder) const {
    if (auto done = write_text(folder / "config.json", config.dump(2) + "\n"); !done) return done;
    if (shards_.size() > 1)
      if (auto done = write_text(folder / "model.safetensors.index.json", index().dump(2) + "\n"); !done) return done;
    if (config.contains("quantization_config") && config["quantization_config"]["quant_method"] == "gptq") {
      const std::string text = config["quantization_config"].dump(2) + "\n";
      if (auto done = write_text(folder / "quantize_config.json", text); !done) return done;
    }
    for (const FolderText& file : request_.texts)
      if (auto done = write_text(folder / file.name, file.text); !done) return done;
    if (request_.source_folder.empty()) return {};
    return copy_companions(folder);
  }

  Result<void> copy_companions(const fs::path& folder) const {
    for (const std::string_view name : companions) {
      const fs::path from = request_.source_folder / name;
      std::error_code error;
      if (!fs::exists(from, error)) continue;
      fs::copy_file(from, folder / name, error);
      if (error)
        return fail(ErrorCode::io, fmt::format("Cannot copy {} ({}).", from.string(), error.message()), from.string());
    }
    return {};
  }

  static Result<void> write_text(const fs::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (file) return {};
    return fail(ErrorCode::io, fmt::format("Cannot write {}: is the disk full?", path.string()), path.string());
  }

  ordered_json index() const {
    std::uint64_t bytes = 0;
    ordered_json map;
    for (const Shard& shard : shards_) {
      bytes += shard.bytes;
      for (const TensorDeclaration& tensor : shard.tensors) map[tensor.name] = shard.file;
    }
    return {{"metadata", {{"total_size", bytes}}}, {"weight_map", map}};
  }

  const FolderRequest& request_;
  const StoredSource& stored_;
  const PlainSource& plain_;
  const ProgressFn& progress_;
  std::stop_token stop_;
  std::vector<Shard> shards_;
  std::int64_t done_ = 0;
};

}  // namespace

Result<WrittenFolder> write_hugging_face_folder(const FolderRequest& request, const StoredSource& stored,
                                                const PlainSource& plain, const ProgressFn& progress,
                                                std::stop_token stop) {
  return Writer(request, stored, plain, progress, std::move(stop)).run();
}

}  // namespace quantscope
