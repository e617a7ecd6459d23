// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/workspace/workspace.h"

namespace quantscope::cli {

/// Every run of a workspace, opened for reading; `baseline` names the run that comes first, empty keeps the order. A
/// workspace without any is refused.
Result<std::vector<RunResult>> runs_of_workspace(const std::string& file, const std::string& baseline);

/// What a report shows of a workspace.
struct WorkspaceContent {
  std::vector<RunResult> runs;
  std::vector<SensitivityMeasurement> sensitivities;
};
/// Likewise, with the sensitivity measurements; refused when there is neither.
Result<WorkspaceContent> content_of_workspace(const std::string& file, const std::string& baseline);

/// The option --workspace of the commands that run something.
CLI::Option* add_workspace_option(CLI::App& command, std::string& file);

}  // namespace quantscope::cli
