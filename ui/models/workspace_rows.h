// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/workspace/workspace.h"
#include "ui/models/runs_model.h"

namespace quantscope::ui {

/// What a workspace holds, as rows of the runs table: every run in its order, then what was planned and never begun.
Result<std::vector<RunEntry>> rows_of(const Workspace& workspace);

/// Rows that a workspace keeps and that are not done: of each request the last row, unless it has finished or is still
/// to run. What Workspace::unfinished() says of the file, as far as it is shown.
std::vector<RunId> unfinished_runs(const RunsModel& runs);

}  // namespace quantscope::ui
