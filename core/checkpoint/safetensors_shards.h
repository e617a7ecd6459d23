// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "core/checkpoint/mapped_checkpoint.h"
#include "core/checkpoint/safetensors_header.h"

namespace quantscope {

/// The tensors of one or more safetensors files that make up a checkpoint.
struct SafetensorsShards {
  std::vector<FileTensor> tensors;  ///< `file` is an index into `files`
  std::vector<CheckpointFile> files;
};

/// One file that holds everything.
Result<SafetensorsShards> open_single_safetensors(const std::filesystem::path& path);

/// The files that model.safetensors.index.json names, beside it; the index itself is the last of `files`. Every named
/// tensor must be in the file that the index says. Names that lead out of the folder are refused.
Result<SafetensorsShards> open_indexed_safetensors(const std::filesystem::path& index);

}  // namespace quantscope
