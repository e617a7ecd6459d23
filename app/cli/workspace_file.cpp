// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/workspace_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace quantscope::cli {
namespace {

std::string names_of(const std::vector<RunResult>& runs) {
  std::string names;
  for (const RunResult& run : runs) names += " " + run_name(run);
  return names;
}

}  // namespace

Result<std::vector<RunResult>> runs_of_workspace(const std::string& file, const std::string& baseline) {
  auto workspace = Workspace::open(file, FileAccess::read);
  if (!workspace) return tl::unexpected(workspace.error());
  auto runs = (*workspace)->results();
  if (!runs) return runs;
  if (runs->empty()) return fail(ErrorCode::not_found, fmt::format("The workspace {} holds no run yet.", file), file);
  if (baseline.empty()) return runs;
  const auto found = std::ranges::find(*runs, baseline, run_name);
  if (found == runs->end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("The workspace {} holds no run \"{}\"; there are:{}.", file, baseline, names_of(*runs)),
                "baseline");
  std::rotate(runs->begin(), found, found + 1);
  return runs;
}

void add_workspace_option(CLI::App& command, std::string& file) {
  command.add_option("--workspace", file,
                     "File (.quantscope) that keeps every finished item; what it holds is not computed again");
}

}  // namespace quantscope::cli
