// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/experiment.h"
#include "app/cli/workspace_file.h"
#include "core/experiment/report.h"

namespace quantscope::cli {
namespace {

struct RunOptions {
  std::string file, report, workspace;
};

/// A report's run.json repeats all its runs; a single request is one run.
Result<std::vector<RunRequest>> requests_of(std::string_view text) {
  const auto document = nlohmann::json::parse(text, nullptr, false);
  std::vector<RunRequest> requests;
  if (!document.is_object() || !document.contains("runs")) {
    auto request = run_request_from_json(text);
    if (!request) return tl::unexpected(request.error());
    requests.push_back(std::move(*request));
    return requests;
  }
  auto runs = runs_from_json(text);
  if (!runs) return tl::unexpected(runs.error());
  // Answers of another program cannot be repeated here.
  for (RunResult& run : *runs)
    if (run.provenance.imported_from.empty()) requests.push_back(std::move(run.request));
  if (requests.empty())
    return fail(ErrorCode::invalid_argument, "This run.json holds no run that can be repeated.", "runs");
  return requests;
}

int run(const Session& session, const RunOptions& options) {
  auto text = file_argument(options.file);
  if (!text) return report_error(session, text.error());
  auto requests = requests_of(*text);
  if (!requests) return report_error(session, requests.error());
  const auto outcome = run_experiment(session, *requests, {options.report, options.workspace});
  print_results(session, outcome.results, options.report);
  return outcome.exit_code;
}

}  // namespace

void add_run(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Repeat a run.json of a report, or one request");
  command->add_option("file", options->file, "run.json (- = standard input)")->required();
  command->add_option("--report", options->report, "Folder for CSV tables, run.json, charts and report.html");
  add_workspace_option(*command, options->workspace);
  command->footer(
      R"(JSON: as compare. Request: {"schema": 1, "model": "default", "configuration": "nf4", "tasks": [{"task": "coqa", "data": "sample"}]})");
  command->callback([&session, &chosen, options] { chosen = [&session, options] { return run(session, *options); }; });
}

}  // namespace quantscope::cli
