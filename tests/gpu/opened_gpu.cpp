// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gpu/opened_gpu.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "kernels/plugin/plugin_loader.h"

namespace quantscope::testing {
namespace {
Result<BackendPlugin> open_plugin() {
  const char* const named = std::getenv("QUANTSCOPE_CUDA_PLUGIN");
  return BackendPlugin::open(named != nullptr ? named : CUDA_PLUGIN);
}
}  // namespace

std::string gpu_unavailable() {
  const auto plugin = open_plugin();
  return plugin ? plugin->devices().front().unavailable : plugin.error().message;
}

std::unique_ptr<Backend> open_gpu() {
  const auto plugin = open_plugin();
  if (!plugin) throw std::runtime_error(plugin.error().message);
  auto backend = plugin->create(0);
  if (!backend) throw std::runtime_error(backend.error().message);
  return std::move(*backend);
}

}  // namespace quantscope::testing
