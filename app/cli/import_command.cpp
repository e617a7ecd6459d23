// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/workspace_file.h"
#include "core/exchange/coqa_predictions.h"
#include "core/exchange/lm_eval_samples.h"
#include "core/experiment/resource_paths.h"

namespace quantscope::cli {
namespace {
namespace fs = std::filesystem;

struct ImportOptions {
  std::string workspace, file, data = "sample", format = "lm-eval", protocol, name;
};

Result<RunResult> read_run(const ImportOptions& options) {
  const bool sample = options.data == "sample";
  auto dataset = read_coqa(sample ? ResourcePaths::locate().resources / "sample_coqa.json" : fs::path(options.data));
  if (!dataset) return tl::unexpected(dataset.error());
  auto bytes = file_argument(options.file, largest_import);
  if (!bytes) return tl::unexpected(bytes.error());
  const std::string name = options.name.empty() ? fs::path(options.file).filename().string() : options.name;
  auto imported = options.format == "coqa" ? parse_coqa_predictions(*bytes, *dataset, name)
                                           : parse_lm_eval_samples(*bytes, *dataset, name);
  if (!imported) return tl::unexpected(imported.error());
  if (!options.protocol.empty() && options.protocol != imported->protocol) {
    imported->protocol = options.protocol;
    imported->notes.push_back(fmt::format("That the prompts were those of {} was said at import; {} does not say so.",
                                          options.protocol, name));
  }
  Task task;
  task.data = sample ? options.data : fs::absolute(options.data).string();
  return imported_run(*imported, *dataset, task, name);
}

int import_answers(const Session& session, const ImportOptions& options) {
  auto run = read_run(options);
  if (!run) return report_error(session, run.error());
  auto workspace = Workspace::open(options.workspace, FileAccess::write);
  if (!workspace) return report_error(session, workspace.error());
  if (auto added = (*workspace)->add(*run); !added) return report_error(session, added.error());
  const QaOutcome& qa = *run->qa;
  if (session.json) {
    print_json({{"run", run_name(*run)},
                {"n", qa.answers.size()},
                {"asked", qa.asked},
                {"protocol", qa.task.protocol},
                {"notes", qa.notes}});
    return ExitCode::done;
  }
  fmt::print("{} answers of {} to {}, prompt {}.\n", count_text(std::ssize(qa.answers), qa.asked), run_name(*run),
             qa.dataset_name, qa.task.protocol);
  for (const std::string& note : qa.notes) fmt::print("Note: {}\n", note);
  return ExitCode::done;
}

}  // namespace

void add_import(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand("import", "Take answers of another program into a workspace as a run");
  command->add_option("workspace", options->workspace, "File (.quantscope); made if missing")->required();
  command->add_option("file", options->file, "samples_*.jsonl of lm-eval, or a prediction file of CoQA")->required();
  command->add_option("--format", options->format, "lm-eval (--log_samples) or coqa ([{id, turn_id, answer}])")
      ->check(CLI::IsMember({"lm-eval", "coqa"}));
  command->add_option("--data", options->data, "The CoQA file that was answered; \"sample\" is the bundled one");
  command->add_option("--protocol", options->protocol,
                      "Say with which prompt the answers were made (coqa-lm-eval-3) where the file does not: only "
                      "answers to equal prompts are paired");
  command->add_option("--name", options->name, "How reports call this run (default: the file's name)");
  command->footer(
      R"(JSON: {"run": "samples_coqa.jsonl", "n": 50, "asked": 50, "protocol": "coqa-lm-eval-3", "notes": []})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return import_answers(session, *options); }; });
}

}  // namespace quantscope::cli
