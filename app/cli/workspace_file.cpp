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

Error no_run(const std::string& file) {
  return {ErrorCode::not_found, fmt::format("The workspace {} holds no run yet.", file), {}, file};
}

/// Moves the run of that name to the front; an empty name leaves them as they are.
Result<void> put_first(std::vector<RunResult>& runs, const std::string& name, const std::string& file) {
  if (name.empty()) return {};
  const auto found = std::ranges::find(runs, name, run_name);
  if (found == runs.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("The workspace {} holds no run \"{}\"; there are:{}.", file, name, names_of(runs)),
                "baseline");
  std::rotate(runs.begin(), found, found + 1);
  return {};
}

}  // namespace

Result<WorkspaceContent> content_of_workspace(const std::string& file, const std::string& baseline) {
  auto workspace = Workspace::open(file, FileAccess::read);
  if (!workspace) return tl::unexpected(workspace.error());
  auto runs = (*workspace)->results();
  if (!runs) return tl::unexpected(runs.error());
  auto sensitivities = (*workspace)->sensitivities();
  if (!sensitivities) return tl::unexpected(sensitivities.error());
  if (runs->empty() && sensitivities->empty()) return tl::unexpected(no_run(file));
  if (auto put = put_first(*runs, baseline, file); !put) return tl::unexpected(put.error());
  return WorkspaceContent{std::move(*runs), std::move(*sensitivities)};
}

Result<std::vector<RunResult>> runs_of_workspace(const std::string& file, const std::string& baseline) {
  auto content = content_of_workspace(file, baseline);
  if (!content) return tl::unexpected(content.error());
  if (content->runs.empty()) return tl::unexpected(no_run(file));
  return std::move(content->runs);
}

CLI::Option* add_workspace_option(CLI::App& command, std::string& file) {
  return command.add_option("--workspace", file,
                            "File (.quantscope) that keeps every finished item; what it holds is not computed again");
}

}  // namespace quantscope::cli
