// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/existing_workspace.h"

namespace quantscope::ui {

Result<std::unique_ptr<Workspace>> open_existing_workspace(const std::filesystem::path& path) {
  std::error_code ignored;
  // Write access makes a file that is missing; read access says that it is.
  return Workspace::open(path, std::filesystem::exists(path, ignored) ? FileAccess::write : FileAccess::read);
}

}  // namespace quantscope::ui
