// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "core/experiment/preset.h"
#include "core/experiment/run_request.h"
#include "core/experiment/run_result.h"

namespace quantscope::cli {

/// Where results go beside the terminal; what is empty is not written.
struct ExperimentOutputs {
  std::string report;     ///< folder
  std::string workspace;  ///< file
  const Preset* preset = nullptr;
};

/// Runs requests one after another. With a workspace every finished item is stored in it at once, and what it holds is
/// not computed again. With a report folder the tables are rewritten after every run; without a workspace its
/// items.jsonl gets every finished item at once. Returns the results there are, also after Ctrl+C; `exit_code` says how
/// it ended.
struct ExperimentOutcome {
  std::vector<RunResult> results;
  int exit_code = ExitCode::done;
};
ExperimentOutcome run_experiment(const Session& session, std::vector<RunRequest> requests,
                                 const ExperimentOutputs& outputs);

/// {"runs": [...], "pairs": [...]} or a table, then where the report lies.
void print_results(const Session& session, const std::vector<RunResult>& results,
                   const std::filesystem::path& report_folder);

/// The published figures of a preset beside the results, as a table with the caveats.
void print_published(const Preset& preset, const std::vector<RunResult>& results);

}  // namespace quantscope::cli
