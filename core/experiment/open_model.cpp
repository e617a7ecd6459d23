// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/open_model.h"

namespace quantscope {

Result<std::shared_ptr<const Checkpoint>> open_model(const std::string& model, const ResourcePaths& resources) {
  if (model != "default") return Checkpoint::open(model);
  const auto path = default_model_path(resources);
  if (!path) return tl::unexpected(path.error());
  return Checkpoint::open(*path);
}

}  // namespace quantscope
