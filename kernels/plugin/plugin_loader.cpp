// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/plugin/plugin_loader.h"

#include <dlfcn.h>

#include <string_view>
#include <system_error>
#include <utility>

namespace quantscope {
namespace {
constexpr char cuda_plugin_file[] = "libquantscope-cuda.so";

Error error_of(ErrorCode code, std::string message, const std::filesystem::path& file, std::string detail = {}) {
  return {code, std::move(message), std::move(detail), file.string()};
}

std::string last_loader_error() {
  const char* const text = dlerror();
  return text != nullptr ? text : "";
}

bool fits(const BackendPluginTable& table) {
  return table.interface_version == backend_plugin_version &&
         std::string_view(table.build_hash) == QUANTSCOPE_PLUGIN_HASH;
}

Result<BackendPlugin> open_cuda_plugin() {
  for (const std::filesystem::path& folder : plugin_folders()) {
    std::error_code ignored;
    const std::filesystem::path file = folder / cuda_plugin_file;
    if (std::filesystem::exists(file, ignored)) return BackendPlugin::open(file);
  }
  return fail(ErrorCode::not_found, "The CUDA plug-in is not installed beside the program.", cuda_plugin_file);
}
}  // namespace

std::string cannot_open_sentence(const std::string& reason) {
  // glibc: "libcublas.so.13: cannot open shared object file: No such file or directory"
  const std::size_t at = reason.find(": cannot open shared object file");
  if (at != std::string::npos && at > 0) {
    return "The CUDA plug-in needs " + reason.substr(0, at) +
           ", which is not installed; install the CUDA 13 runtime libraries.";
  }
  return "The CUDA plug-in cannot be opened: " + reason + ".";
}

Result<BackendPlugin> BackendPlugin::open(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return tl::unexpected(
        error_of(ErrorCode::not_found, "There is no plug-in at this place; build or install it.", file));
  }
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const std::string reason = last_loader_error();
    return tl::unexpected(error_of(ErrorCode::device, cannot_open_sentence(reason), file, reason));
  }
  const auto function = reinterpret_cast<BackendPluginFunction>(dlsym(library, backend_plugin_symbol));
  const BackendPluginTable* const table = function != nullptr ? function() : nullptr;
  if (table == nullptr) {
    return tl::unexpected(error_of(ErrorCode::device, "This library is not a plug-in of this program.", file));
  }
  if (!fits(*table)) {
    return tl::unexpected(error_of(ErrorCode::unsupported,
                                   "The CUDA plug-in was built for another version of the program; build or install "
                                   "both together.",
                                   file, "built as " + std::string(table->build_hash)));
  }
  return BackendPlugin(*table);
}

std::vector<std::filesystem::path> plugin_folders() {
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const std::filesystem::path folder = program.parent_path();
  return {folder, folder.parent_path() / "lib" / "quantscope"};
}

std::vector<DeviceDescription> cuda_devices() {
  const auto plugin = open_cuda_plugin();
  if (plugin) return plugin->devices();
  DeviceDescription missing;
  missing.id = "cuda";
  missing.name = "NVIDIA GPU";
  missing.unavailable = plugin.error().message;
  return {missing};
}

Result<std::unique_ptr<Backend>> create_cuda_backend(int index) {
  const auto plugin = open_cuda_plugin();
  if (!plugin) return tl::unexpected(plugin.error());
  return plugin->create(index);
}

}  // namespace quantscope
