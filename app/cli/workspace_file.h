// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/workspace/workspace.h"

namespace quantscope::cli {

/// Every run of a workspace, opened for reading; `baseline` names the run that comes first, empty keeps the order.
Result<std::vector<RunResult>> runs_of_workspace(const std::string& file, const std::string& baseline);

/// The option --workspace of the commands that run something.
void add_workspace_option(CLI::App& command, std::string& file);

}  // namespace quantscope::cli
