// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/layout_writer.h"
#include "kernels/progress.h"

namespace quantscope {

/// One weight of the folder to be written.
struct FolderWeight {
  /// Rows of a fused projection that are a weight of the model.
  struct Part {
    std::string name;
    std::int64_t rows = 0;
  };

  std::string name;
  std::int64_t rows = 1;
  std::int64_t columns = 0;
  bool is_vector = false;                      ///< of shape [columns]
  bool is_linear = false;                      ///< a linear of a transformer block
  std::optional<WeightFormat> quantized = {};  ///< nothing: plain values of this type
  DataType plain_type = DataType::bf16;        ///< of a plain weight; else what it was before
  std::vector<Part> parts = {};                ///< one after another; empty for a weight that is not fused
};

/// The codes of a quantized weight.
using StoredSource = std::function<Result<QuantizedTensor>(const FolderWeight& weight)>;
/// Decoded rows of a plain weight.
using PlainSource = std::function<Result<void>(const FolderWeight& weight, std::int64_t first_row,
                                               std::int64_t row_count, std::span<float> values)>;

/// A file of the folder that is text, by its name.
struct FolderText {
  std::string name;
  std::string text;
};

struct FolderRequest {
  std::filesystem::path out;            ///< must not exist yet
  std::filesystem::path source_folder;  ///< whose config.json, tokenizer and generation config go along
  nlohmann::ordered_json config = {};   ///< config.json where there is no source folder
  std::vector<FolderText> texts = {};   ///< tokenizer and the like where there is none
  std::vector<FolderWeight> weights;
  const LayoutWriter* layout = nullptr;       ///< null when all weights are plain
  std::uint64_t shard_bytes = 5'000'000'000;  ///< a larger model is split
};

struct WrittenFolder {
  std::uint64_t bytes = 0;  ///< of all tensors; the headers of their files come on top
  std::int64_t files = 0;
};

/// Writes a Hugging Face folder: model.safetensors (or shards with model.safetensors.index.json), config.json with the
/// right quantization_config, and the other files that belong to a model: those of the source's folder, or the given.
/// Weights are asked for one after another, so one at a time is in memory. The folder appears under its name whole or
/// not at all; what was written is removed on failure and on cancellation.
Result<WrittenFolder> write_hugging_face_folder(const FolderRequest& request, const StoredSource& stored,
                                                const PlainSource& plain, const ProgressFn& progress,
                                                std::stop_token stop);

}  // namespace quantscope
