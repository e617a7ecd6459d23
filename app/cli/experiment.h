// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "core/experiment/run_request.h"
#include "core/experiment/run_result.h"

namespace quantscope::cli {

/// Runs requests one after another. With a report folder every finished item is appended to its items.jsonl at once and
/// the tables are rewritten after every run, so that nothing computed is lost. Returns the results there are, also
/// after Ctrl+C; `exit_code` says how it ended.
struct ExperimentOutcome {
  std::vector<RunResult> results;
  int exit_code = ExitCode::done;
};
ExperimentOutcome run_experiment(const Session& session, const std::vector<RunRequest>& requests,
                                 const std::filesystem::path& report_folder);

/// {"runs": [...], "pairs": [...]} or a table, then where the report lies.
void print_results(const Session& session, const std::vector<RunResult>& results,
                   const std::filesystem::path& report_folder);

}  // namespace quantscope::cli
