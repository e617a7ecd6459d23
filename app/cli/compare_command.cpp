// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "app/cli/command.h"
#include "app/cli/experiment.h"
#include "app/cli/settings_options.h"
#include "app/cli/task_options.h"
#include "app/cli/workspace_file.h"

namespace quantscope::cli {
namespace {

struct CompareOptions {
  std::string model, report, workspace, preset;
  std::vector<std::string> configurations;
  SettingsOptions settings;
  TaskOptions tasks;
};

/// The names given, else those of the preset, else those of Compare all.
std::vector<std::string> names_of(const CompareOptions& options, const Preset* preset) {
  if (!options.configurations.empty()) return options.configurations;
  if (preset != nullptr) return preset->configurations;
  std::vector<std::string> names;
  for (const ConfigurationName& entry : configuration_names())
    if (entry.in_compare_all) names.emplace_back(entry.name);
  return names;
}

Result<CompareRequest> request_of(const CompareOptions& options, const Preset* preset) {
  CompareRequest request;
  request.model = options.model;
  for (const std::string& name : names_of(options, preset)) {
    auto settings = options.settings.applied_to(name);
    if (!settings) return tl::unexpected(settings.error());
    request.configurations.push_back(std::move(*settings));
  }
  auto tasks = preset != nullptr ? options.tasks.with_data(preset->tasks) : options.tasks.tasks();
  if (!tasks) return tl::unexpected(tasks.error());
  request.tasks = std::move(*tasks);
  return request;
}

int compare(const Session& session, const CompareOptions& options) {
  std::optional<Preset> preset;
  if (!options.preset.empty()) {
    auto read = read_preset(ResourcePaths::locate(), options.preset);
    if (!read) return report_error(session, read.error());
    preset = std::move(*read);
  }
  const Preset* chosen = preset ? &*preset : nullptr;
  auto request = request_of(options, chosen);
  if (!request) return report_error(session, request.error());
  const auto outcome = run_experiment(session, request->runs(), {options.report, options.workspace, chosen});
  print_results(session, outcome.results, options.report);
  if (chosen != nullptr && !session.json) print_published(*chosen, outcome.results);
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
  command->add_option("--report", options->report, "Folder for CSV tables, run.json, charts and report.html");
  add_workspace_option(*command, options->workspace);
  command->add_option("--preset", options->preset,
                      "A published comparison to repeat and to set beside the results: source-study. Its tasks take "
                      "--data; options of tasks have no other effect");
  command->footer(R"(JSON: {"runs": [...], "pairs": [{"configuration": "nf4", "difference": -0.08, "p": 0.01}]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return compare(session, *options); }; });
}

}  // namespace quantscope::cli
