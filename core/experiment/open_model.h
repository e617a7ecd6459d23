// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/resource_paths.h"

namespace quantscope {

/// The checkpoint that a request names: a path, or "default" for the default model in the user's cache.
Result<std::shared_ptr<const Checkpoint>> open_model(const std::string& model, const ResourcePaths& resources);

}  // namespace quantscope
