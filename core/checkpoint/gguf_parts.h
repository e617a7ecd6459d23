// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "core/checkpoint/gguf_header.h"
#include "core/checkpoint/mapped_checkpoint.h"

namespace quantscope {

/// A GGUF model, whole or in parts: the metadata of the first file, the tensors of all.
struct GgufParts {
  GgufHeader header;                  ///< TensorInfo::file is an index into `files`
  std::vector<CheckpointFile> files;  ///< in the order of the parts
};

/// Opens a GGUF file and, where it is the first part of a split model, the other parts beside it. Parts are named
/// NAME-00001-of-0000N.gguf and number themselves (split.no from 0, split.count, split.tensors.count). Fails with
/// not_found when a part is missing and with invalid_argument for another part than the first; both name the file that
/// is wanted. Source: llama.cpp, src/llama.cpp (llama_split_path) and src/llama-model-loader.cpp.
Result<GgufParts> open_gguf_parts(const std::filesystem::path& path);

}  // namespace quantscope
