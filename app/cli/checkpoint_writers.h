// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/settings.h"
#include "kernels/backend.h"
#include "kernels/progress.h"

namespace quantscope::cli {

/// Options of `quantize` that belong to one format only.
struct WriterOptions {
  std::string gguf_type;            ///< "q4_k"; empty = as stored
  std::string gguf_embedding_type;  ///< empty = chosen by the writer
};

/// What a writer gets.
struct WriteRequest {
  const Checkpoint& checkpoint;
  const Settings& settings;
  bool settings_given = false;  ///< the user named a configuration
  const WriterOptions& options;
  Backend& backend;
  std::filesystem::path out;
  ProgressFn progress;
  std::stop_token stop;
};

/// A checkpoint layout that `quantize --format` can write.
struct CheckpointWriter {
  std::string name;
  std::string description;
  /// Writes file or folder whole or not at all. A setting that the layout cannot hold is refused with the nearest one.
  std::function<Result<void>(const WriteRequest&)> write;
};

/// All of them, in the order of the help text. A new layout is added here.
std::span<const CheckpointWriter> checkpoint_writers();

Result<void> write_gguf_file(const WriteRequest& request);
/// A Hugging Face folder in one of folder_formats() (core/experiment/write_checkpoint.h).
Result<void> write_folder(const WriteRequest& request, std::string_view format);

}  // namespace quantscope::cli
