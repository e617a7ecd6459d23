// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>

#include "app/cli/command.h"
#include "app/cli/experiment.h"
#include "app/cli/settings_options.h"
#include "app/cli/task_options.h"

namespace quantscope::cli {
namespace {

struct CompareOptions {
  std::string model, report;
  std::vector<std::string> configurations;
  SettingsOptions settings;
  TaskOptions tasks;
};

Result<CompareRequest> request_of(const CompareOptions& options) {
  CompareRequest request;
  request.model = options.model;
  std::vector<std::string> names = options.configurations;
  if (names.empty())
    for (const ConfigurationName& entry : configuration_names())
      if (entry.in_compare_all) names.emplace_back(entry.name);
  for (const std::string& name : names) {
    auto settings = options.settings.applied_to(name);
    if (!settings) return tl::unexpected(settings.error());
    request.configurations.push_back(std::move(*settings));
  }
  auto tasks = options.tasks.tasks();
  if (!tasks) return tl::unexpected(tasks.error());
  request.tasks = std::move(*tasks);
  return request;
}

int compare(const Session& session, const CompareOptions& options) {
  auto request = request_of(options);
  if (!request) return report_error(session, request.error());
  const auto outcome = run_experiment(session, request->runs(), options.report);
  print_results(session, outcome.results, options.report);
  return outcome.exit_code;
}

}  // namespace

void add_compare(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* command =
      app.add_subcommand("compare", "Several configurations on the same tasks, paired against the first");
  command->add_option("model", options->model, "Checkpoint, or default")->required();
  command->add_option("configurations", options->configurations,
                      "fp16 nf4 nf4-dq:block=128 ...; the first is the baseline (default: those of Compare all)");
  options->settings.add_to(*command, false);
  options->tasks.add_to(*command, true);
  command->add_option("--report", options->report, "Folder for CSV tables, run.json and charts");
  command->footer(R"(JSON: {"runs": [...], "pairs": [{"configuration": "nf4", "difference": -0.08, "p": 0.01}]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return compare(session, *options); }; });
}

}  // namespace quantscope::cli
