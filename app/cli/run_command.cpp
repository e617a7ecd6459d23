// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/experiment.h"
#include "app/cli/workspace_file.h"
#include "core/experiment/recorded_inputs.h"
#include "core/experiment/run_file_limits.h"
#include "core/input/bounded_json.h"
#include "core/report/run_json.h"

namespace quantscope::cli {
namespace {

struct RunOptions {
  std::string file, report, workspace;
  bool changed_inputs = false;
};

/// What shall run, and what is known of the runs that are repeated.
struct Repetition {
  std::vector<RunRequest> requests;
  std::vector<RunResult> recorded;  ///< empty for a single request
};

/// Whether it is the run.json of a report. What holds more than a request may is read as one.
Result<bool> has_runs(std::string_view text) {
  if (!count_json_values(text, "The file", request_limits)) return true;
  const auto document = parse_bounded_json(text, "The file", request_limits);
  if (!document) return tl::unexpected(document.error());
  return document->is_object() && document->contains("runs");
}

/// A report's run.json repeats all its runs; a single request is one run.
Result<Repetition> repetition_of(std::string_view text) {
  Repetition repetition;
  const auto holds_runs = has_runs(text);
  if (!holds_runs) return tl::unexpected(holds_runs.error());
  if (!*holds_runs) {
    auto request = run_request_from_json(text);
    if (!request) return tl::unexpected(request.error());
    repetition.requests.push_back(std::move(*request));
    return repetition;
  }
  auto runs = runs_from_json(text);
  if (!runs) return tl::unexpected(runs.error());
  // Answers of another program cannot be repeated here.
  for (const RunResult& run : *runs)
    if (run.provenance.imported_from.empty()) repetition.requests.push_back(run.request);
  if (repetition.requests.empty())
    return fail(ErrorCode::invalid_argument, "This run.json holds no run that can be repeated.", "runs");
  repetition.recorded = std::move(*runs);
  return repetition;
}

/// Numbers of other inputs are no repetition: refused, or said where it is wanted.
Result<void> check_inputs(const Session& session, const Repetition& repetition, const RunOptions& options) {
  const auto changed = changed_inputs(repetition.recorded, ResourcePaths::locate(), session.stop);
  if (!changed) return tl::unexpected(changed.error());
  if (changed->empty()) return {};
  std::string sentences;
  for (const ChangedInput& input : *changed) sentences += sentence_of(input) + " ";
  if (!options.changed_inputs)
    return fail(ErrorCode::invalid_argument,
                sentences + "Bring back what was there, or add --changed-inputs to run on what is there now.",
                changed->front().file);
  fmt::print(stderr, "Warning: {}What follows is no repetition of the recorded runs.\n", sentences);
  return {};
}

int run(const Session& session, const RunOptions& options) {
  auto text = file_argument(options.file, largest_run_file);
  if (!text) return report_error(session, text.error());
  auto repetition = repetition_of(*text);
  if (!repetition) return report_error(session, repetition.error());
  if (auto same = check_inputs(session, *repetition, options); !same) return report_error(session, same.error());
  const auto outcome = run_experiment(session, repetition->requests, {options.report, options.workspace});
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
  command->add_flag("--changed-inputs", options->changed_inputs,
                    "Run although the checkpoint or a data file is not what it was when run.json was written");
  command->footer(
      R"(JSON: as compare. Request: {"schema": 1, "model": "default", "configuration": "nf4", "tasks": [{"task": "coqa", "data": "sample"}]})");
  command->callback([&session, &chosen, options] { chosen = [&session, options] { return run(session, *options); }; });
}

}  // namespace quantscope::cli
