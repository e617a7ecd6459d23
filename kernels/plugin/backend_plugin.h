// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.h"

/// What a device plug-in exports. Its one C symbol returns a table; only the first two members may be read before they
/// were compared with the program's own, because everything else depends on the layout of C++ classes.
namespace quantscope {

inline constexpr std::uint32_t backend_plugin_version = 2;
inline constexpr char backend_plugin_symbol[] = "quantscope_backend_plugin";

struct BackendPluginTable {
  std::uint32_t interface_version = 0;  ///< backend_plugin_version of the build
  const char* build_hash = nullptr;     ///< QUANTSCOPE_PLUGIN_HASH of the build
  /// At least one entry; where nothing can be used, one with `unavailable` set to a sentence.
  std::vector<DeviceDescription> (*devices)() = nullptr;
  /// Opens device `index` of that list.
  Result<std::unique_ptr<Backend>> (*create)(int index) = nullptr;
};

using BackendPluginFunction = const BackendPluginTable* (*)();

}  // namespace quantscope
