// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

#include "kernels/error.h"

namespace quantscope {

/// Where bundled files lie (the sample dataset, default_model.json, the glossary): named by QUANTSCOPE_RESOURCES,
/// beside the program, in the install folder or in the source tree.
struct ResourcePaths {
  std::filesystem::path resources;
  static ResourcePaths locate();
};

/// The default model in the user's cache folder, as default_model.json describes it; checks its size. not_found comes
/// with a sentence on how to get it.
Result<std::filesystem::path> default_model_path(const ResourcePaths& paths);

}  // namespace quantscope
