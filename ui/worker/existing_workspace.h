// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/workspace/workspace.h"

namespace quantscope::ui {

/// Opens a workspace for writing. One that is not there is refused: it was never made, or somebody took it away.
Result<std::unique_ptr<Workspace>> open_existing_workspace(const std::filesystem::path& path);

}  // namespace quantscope::ui
