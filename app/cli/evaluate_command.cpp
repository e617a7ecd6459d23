// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/experiment.h"
#include "app/cli/settings_options.h"
#include "app/cli/task_options.h"
#include "app/cli/workspace_file.h"
#include "core/report/run_json.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct EvaluateOptions {
  std::string model, workspace;
  SettingsOptions settings;
  TaskOptions tasks;
};

/// The figures of the one task on top, everything else of the run under "run".
json flattened(const RunResult& result) {
  json run = json::parse(to_json(result));
  json document;
  for (const TaskKind kind : all_tasks()) {
    const std::string task(task_name(kind));
    if (!run.contains(task)) continue;
    document = run[task];
    run.erase(task);
  }
  document["run"] = std::move(run);
  return document;
}

int evaluate(const Session& session, const EvaluateOptions& options) {
  auto settings = options.settings.settings();
  if (!settings) return report_error(session, settings.error());
  auto tasks = options.tasks.tasks();
  if (!tasks) return report_error(session, tasks.error());
  const auto outcome = run_experiment(session, {{options.model, *settings, *tasks}}, {{}, options.workspace});
  if (session.json && !outcome.results.empty())
    print_json(flattened(outcome.results.front()));
  else
    print_results(session, outcome.results, {});
  return outcome.exit_code;
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = app.add_subcommand("evaluate", "One task with one configuration");
  command->add_option("model", options->model, "Checkpoint, or default")->required();
  options->settings.add_to(*command, true);
  options->tasks.add_to(*command, false);
  add_workspace_option(*command, options->workspace);
  command->footer(
      R"(JSON: {"f1": 0.38, "f1_error": 0.11, "n": 20, "items": [{"story": "...", "f1": 1.0}], "run": {...}})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return evaluate(session, *options); }; });
}

}  // namespace quantscope::cli
