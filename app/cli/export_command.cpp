// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/workspace_file.h"
#include "core/exchange/coqa_predictions.h"
#include "core/exchange/lm_eval_samples.h"
#include "core/experiment/resource_paths.h"
#include "core/report/atomic_file.h"
#include "core/report/kl_tables.h"
#include "core/report/tables.h"

namespace quantscope::cli {
namespace {
namespace fs = std::filesystem;

struct ExportOptions {
  std::string workspace, folder, format = "lm-eval";
};

/// A file name of letters, digits and a few signs.
std::string file_name(const std::string& prefix, std::size_t number, const std::string& name,
                      const std::string& ending) {
  std::string plain;
  for (const char c : name) {
    const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    plain += harmless ? c : '_';
  }
  return fmt::format("{}_{}_{}{}", prefix, number, plain.substr(0, 80), ending);
}

/// The questions that were asked, if they are still what they were.
Result<QaDataset> dataset_of(const QaOutcome& qa) {
  const bool sample = qa.task.data.empty() || qa.task.data == "sample";
  auto dataset = read_coqa(sample ? ResourcePaths::locate().resources / "sample_coqa.json" : fs::path(qa.task.data));
  if (dataset && dataset->hash != qa.dataset_hash)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} has changed since its questions were answered; bring back the old file, or export with "
                            "--format coqa, which needs none.",
                            qa.task.data),
                qa.task.data);
  return dataset;
}

Result<std::string> samples_of(const QaOutcome& qa) {
  auto dataset = dataset_of(qa);
  if (!dataset) return tl::unexpected(dataset.error());
  return lm_eval_samples(qa, *dataset);
}

/// What --format takes.
struct ExportFormat {
  std::string name, contents;  ///< contents: what a run must hold, for messages
  std::string file_prefix, file_ending;
  bool (*has)(const RunResult&);
  Result<std::string> (*text)(const RunResult&);
};

bool has_coqa(const RunResult& run) { return run.qa && run.qa->task.kind == TaskKind::coqa; }

const std::array<ExportFormat, 3>& formats() {
  static const std::array<ExportFormat, 3> list = {{
      {"lm-eval", "answers to CoQA's questions", "samples_coqa", ".jsonl", has_coqa,
       [](const RunResult& run) { return samples_of(*run.qa); }},
      {"coqa", "answers to CoQA's questions", "predictions", ".json", has_coqa,
       [](const RunResult& run) { return Result<std::string>(coqa_predictions(*run.qa)); }},
      {"kl", "KL divergence", "kl_tokens", ".csv", [](const RunResult& run) { return run.kl.has_value(); },
       [](const RunResult& run) { return Result<std::string>(kl_tokens_csv(run.kl->result)); }},
  }};
  return list;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const ExportFormat& format : formats()) names.push_back(format.name);
  return names;
}

Result<std::vector<std::string>> write_files(const std::vector<RunResult>& runs, const ExportOptions& options) {
  const ExportFormat& format = *std::ranges::find(formats(), options.format, &ExportFormat::name);
  if (std::ranges::none_of(runs, format.has))
    return fail(ErrorCode::not_found,
                fmt::format("No run of {} holds {}: there is nothing to export as {}.", options.workspace,
                            format.contents, format.name),
                options.workspace);
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error)
    return fail(ErrorCode::io, fmt::format("Cannot create the folder {} ({}).", options.folder, error.message()),
                options.folder);
  std::vector<std::string> files;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!format.has(runs[i])) continue;
    auto text = format.text(runs[i]);
    if (!text) return tl::unexpected(text.error());
    const fs::path path =
        fs::path(options.folder) / file_name(format.file_prefix, i + 1, run_name(runs[i]), format.file_ending);
    if (auto written = write_file_atomically(path, *text); !written) return tl::unexpected(written.error());
    files.push_back(path.string());
  }
  return files;
}

int export_answers(const Session& session, const ExportOptions& options) {
  auto runs = runs_of_workspace(options.workspace, {});
  if (!runs) return report_error(session, runs.error());
  auto files = write_files(*runs, options);
  if (!files) return report_error(session, files.error());
  if (session.json)
    print_json({{"files", *files}});
  else
    for (const std::string& file : *files) fmt::print("{}\n", file);
  return ExitCode::done;
}

}  // namespace

void add_export(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      app.add_subcommand("export", "Write CoQA answers or KL divergences of a workspace for other programs");
  command->add_option("workspace", options->workspace, "File (.quantscope)")->required();
  command->add_option("folder", options->folder, "Folder for one file a run")->required();
  command
      ->add_option("--format", options->format,
                   "lm-eval (samples_*.jsonl), coqa (the official script's [{id, turn_id, answer}]) or kl (CSV, a row "
                   "for each scored token)")
      ->check(CLI::IsMember(format_names()));
  command->footer(R"(JSON: {"files": ["out/samples_coqa_1_nf4.jsonl"]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return export_answers(session, *options); }; });
}

}  // namespace quantscope::cli
