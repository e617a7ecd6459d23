// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
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
  std::string name;
  std::int64_t rows = 1;
  std::int64_t columns = 0;
  bool is_vector = false;                      ///< of shape [columns]
  bool is_linear = false;                      ///< a linear of a transformer block
  std::optional<WeightFormat> quantized = {};  ///< nothing: plain values of this type
  DataType plain_type = DataType::bf16;        ///< of a plain weight; else what it was before
};

/// The codes of a quantized weight.
using StoredSource = std::function<Result<QuantizedTensor>(const FolderWeight& weight)>;
/// Decoded rows of a plain weight.
using PlainSource = std::function<Result<void>(const FolderWeight& weight, std::int64_t first_row,
                                               std::int64_t row_count, std::span<float> values)>;

struct FolderRequest {
  std::filesystem::path out;            ///< must not exist yet
  std::filesystem::path source_folder;  ///< whose config.json, tokenizer and generation config go along
  std::vector<FolderWeight> weights;
  const LayoutWriter* layout = nullptr;       ///< null when all weights are plain
  std::uint64_t shard_bytes = 5'000'000'000;  ///< a larger model is split
};

struct WrittenFolder {
  std::uint64_t bytes = 0;  ///< of all tensors; the headers of their files come on top
  std::int64_t files = 0;
};

/// Writes a Hugging Face folder: model.safetensors (or shards with model.safetensors.index.json), config.json with the
/// right quantization_config, and the other files of the source's folder that belong to a model. Weights are asked for
/// one after another, so one at a time is in memory. The folder appears under its name whole or not at all; what was
/// written is removed on failure and on cancellation.
Result<WrittenFolder> write_hugging_face_folder(const FolderRequest& request, const StoredSource& stored,
                                                const PlainSource& plain, const ProgressFn& progress,
                                                std::stop_token stop);

}  // namespace quantscope
