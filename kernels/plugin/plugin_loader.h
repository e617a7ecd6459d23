// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kernels/plugin/backend_plugin.h"

namespace quantscope {

/// A device plug-in that was opened and fits this program. It stays in memory until the program ends: objects that it
/// made (backends, weights, errors) may outlive this one, and the CUDA runtime cannot be unloaded.
class BackendPlugin {
 public:
  /// Fails with not_found when there is no such file, with unsupported when it was built for another version of the
  /// program, with device when it cannot be opened (the message names a library that is missing).
  static Result<BackendPlugin> open(const std::filesystem::path& file);

  /// See BackendPluginTable.
  std::vector<DeviceDescription> devices() const { return table_->devices(); }
  Result<std::unique_ptr<Backend>> create(int index) const { return table_->create(index); }

 private:
  explicit BackendPlugin(const BackendPluginTable& table) : table_(&table) {}
  const BackendPluginTable* table_;
};

/// Where plug-ins are looked for, in this order: the program's own folder, ../lib/quantscope beside it.
std::vector<std::filesystem::path> plugin_folders();

/// The sentence for a plug-in that the dynamic loader refused with `reason` (dlerror).
std::string cannot_open_sentence(const std::string& reason);

/// All CUDA devices. Never fails and is never empty: without plug-in, driver or GPU it is one entry "cuda" whose
/// `unavailable` says why.
std::vector<DeviceDescription> cuda_devices();

/// Opens device `index` of cuda_devices().
Result<std::unique_ptr<Backend>> create_cuda_backend(int index);

}  // namespace quantscope
