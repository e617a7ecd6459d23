// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/resource_paths.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/experiment/json_fields.h"
#include "core/input/bounded_file.h"
#include "core/input/bounded_json.h"

namespace quantscope {
namespace {
namespace fs = std::filesystem;

fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') return cache;
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/") / ".cache";
}

constexpr std::uintmax_t largest_manifest = std::uintmax_t{1} << 20U;

struct DefaultModel {
  std::string file;
  std::uintmax_t bytes = 0;
};

Result<DefaultModel> read_manifest(const fs::path& path) {
  const auto text = read_bounded_file(path, largest_manifest, "manifest");
  if (!text) return tl::unexpected(text.error());
  const auto json = parse_bounded_json(*text, path.string());
  if (!json) return tl::unexpected(json.error());
  DefaultModel model;
  const auto read =
      JsonFields(*json, path.string()).required("file", model.file).required("bytes", model.bytes).result();
  if (!read) return tl::unexpected(read.error());
  return model;
}

}  // namespace

ResourcePaths ResourcePaths::locate() {
  if (const char* set = std::getenv("QUANTSCOPE_RESOURCES")) return {set};
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path& candidate :
       {program / "resources", program / "../share/quantscope", fs::path(QUANTSCOPE_SOURCE_RESOURCES)}) {
    if (fs::exists(candidate / "default_model.json", ignored)) return {fs::weakly_canonical(candidate, ignored)};
  }
  return {fs::path("resources")};
}

Result<fs::path> default_model_path(const ResourcePaths& paths) {
  const auto model = read_manifest(paths.resources / "default_model.json");
  if (!model) return tl::unexpected(model.error());
  const fs::path path = cache_folder() / "quantscope" / "models" / model->file;
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error)
    return fail(ErrorCode::not_found,
                fmt::format("The default model is not in the cache ({}). Run app/run.sh once with a network, or open "
                            "another checkpoint.",
                            path.string()),
                path.string());
  if (bytes != model->bytes)
    return fail(ErrorCode::corrupt_file,
                fmt::format("The default model {} has {} bytes instead of {}. Delete it and run app/run.sh again.",
                            path.string(), bytes, model->bytes),
                path.string());
  return path;
}

}  // namespace quantscope
