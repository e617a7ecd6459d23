// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/experiment.h"
#include "app/cli/report_folder.h"
#include "app/cli/workspace_file.h"

namespace quantscope::cli {
namespace {

struct ResumeOptions {
  std::string workspace, report;
};

Result<std::vector<RunRequest>> unfinished(const std::string& file) {
  auto workspace = Workspace::open(file, FileAccess::read);
  if (!workspace) return tl::unexpected(workspace.error());
  return (*workspace)->unfinished();
}

int resume(const Session& session, const ResumeOptions& options) {
  auto requests = unfinished(options.workspace);
  if (!requests) return report_error(session, requests.error());
  if (!session.json) fmt::print(stderr, "{} runs are left.\n", requests->size());
  const auto outcome = run_experiment(session, *requests, {{}, options.workspace});
  auto content = content_of_workspace(options.workspace, {});
  if (!content) return report_error(session, content.error());
  if (!options.report.empty())
    if (auto written = write_report_folder(options.report, {content->runs, nullptr, std::move(content->sensitivities)});
        !written)
      return report_error(session, written.error());
  print_results(session, content->runs, options.report);
  return outcome.exit_code;
}

}  // namespace

void add_resume(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<ResumeOptions>();
  CLI::App* command = app.add_subcommand("resume", "Go on with what a workspace has not finished");
  command->add_option("workspace", options->workspace, "File (.quantscope)")->required();
  command->add_option("--report", options->report, "Folder for a report of all its runs");
  command->footer(R"(JSON: as compare, of all runs of the workspace: {"runs": [...], "pairs": [...]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return resume(session, *options); }; });
}

}  // namespace quantscope::cli
