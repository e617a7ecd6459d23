// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/open_gguf.h"
#include "core/checkpoint/open_hugging_face.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return extension;
}

/// Download caches keep GGUF files under names without an extension.
bool begins_like_gguf(const fs::path& path) {
  std::array<char, 4> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return std::string_view(start.data(), start.size()) == "GGUF";
}

}  // namespace

Result<std::shared_ptr<const Checkpoint>> Checkpoint::open(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return fail(ErrorCode::not_found, fmt::format("There is no file or folder {}; check the path.", path.string()),
                path.string());
  if (error)
    return fail(ErrorCode::io, fmt::format("Cannot open {}: {}.", path.string(), error.message()), path.string());
  if (fs::is_directory(status)) return open_hugging_face_folder(path);
  const std::string extension = lower_extension(path);
  if (extension == ".gguf") return open_gguf(path);
  if (extension == ".safetensors") return open_safetensors(path);
  if (extension == ".json") return open_config(path);
  if (fs::is_regular_file(status) && begins_like_gguf(path)) return open_gguf(path);
  return fail(ErrorCode::unsupported,
              fmt::format("{} is no checkpoint that can be read; choose a Hugging Face folder, a .gguf or .safetensors "
                          "file or a config.json.",
                          path.string()),
              path.string());
}

}  // namespace quantscope
