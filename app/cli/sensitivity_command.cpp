// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "app/cli/settings_options.h"
#include "app/cli/task_options.h"
#include "app/cli/workspace_file.h"
#include "core/experiment/devices.h"
#include "core/experiment/resource_paths.h"
#include "core/experiment/sensitivity_file.h"
#include "core/experiment/task_data.h"
#include "core/report/atomic_file.h"
#include "core/report/figure_text.h"
#include "core/report/layer_table.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct SensitivityCommand {
  std::string model, measure = "error", unit = "tensor", mode = "only", base = "fp32";
  std::string data = "sample", protocol, chunks = "0:4", rows_file, workspace, csv_file;
  SettingsOptions settings;

  SensitivityMeasure wanted() const {
    if (measure == "error") return SensitivityMeasure::error;
    return measure == "kl" ? SensitivityMeasure::kl : SensitivityMeasure::perplexity;
  }
  bool keeps_rows() const { return !rows_file.empty() || !workspace.empty(); }
  SensitivityUnit of() const { return unit == "tensor" ? SensitivityUnit::tensor : SensitivityUnit::layer; }
  SensitivityMode how() const { return mode == "only" ? SensitivityMode::only : SensitivityMode::all_but; }
};

/// What a measurement works on.
struct Scene {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Backend> backend;
  TaskData data;
  Task task;
  Resolved resolved;

  WindowedText text() const {
    return {tokenizer.get(), data.text_ids, data.protocol, task.first_chunk, task.last_chunk};
  }
};

/// The text that predictions are compared on.
Result<void> load_text(const Session& session, const SensitivityCommand& options, const Settings& settings,
                       Scene& scene) {
  auto tokenizer = Tokenizer::of(*scene.checkpoint);
  if (!tokenizer) return tl::unexpected(tokenizer.error());
  scene.tokenizer = *tokenizer;
  scene.task.data = options.data;
  scene.task.protocol = options.protocol;
  auto data = load_task_data({options.model, settings, {scene.task}}, scene.tokenizer.get(), scene.checkpoint->model(),
                             ResourcePaths::locate(), session.stop);
  if (!data) return tl::unexpected(data.error());
  scene.data = std::move(*data);
  return {};
}

Result<Scene> prepare(const Session& session, const SensitivityCommand& options) {
  Scene scene;
  auto settings = options.settings.settings();
  if (!settings) return tl::unexpected(settings.error());
  auto base = parse_configuration(options.base);
  if (!base) return tl::unexpected(base.error());
  auto checkpoint = open_model(options.model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  scene.checkpoint = *checkpoint;
  const auto chunks = parse_range(options.chunks, "--chunks");
  if (!chunks) return tl::unexpected(chunks.error());
  std::tie(scene.task.first_chunk, scene.task.last_chunk) = *chunks;
  scene.task.kind = TaskKind::kl;
  scene.task.base = *base;
  if (options.wanted() != SensitivityMeasure::error)
    if (auto loaded = load_text(session, options, *settings, scene); !loaded) return tl::unexpected(loaded.error());
  settings->device = device_of(*settings, *scene.checkpoint, scene.data.protocol.window).id;
  auto backend = open_device(*settings);
  if (!backend) return tl::unexpected(backend.error());
  scene.backend = std::move(*backend);
  scene.backend->set_stop_token(session.stop);
  ResolveInput input{scene.data.protocol.window};
  input.kl_base = scene.data.kl_base.value_or(KlBaseInput{*base});
  auto resolved =
      resolve(*settings, scene.checkpoint->model(), scene.checkpoint->tensors(), scene.backend->description(), input);
  if (!resolved) return tl::unexpected(error_of(resolved.error()));
  scene.resolved = std::move(*resolved);
  return scene;
}

/// The rows with everything that their figures depend on.
Result<SensitivityMeasurement> measurement_of(const SensitivityCommand& options, const Scene& scene,
                                              std::vector<SensitivityRow> rows) {
  const DeviceDescription device = scene.backend->description();
  SensitivityMeasurement measurement;
  measurement.configuration = arithmetic_text(scene.resolved.settings);
  measurement.base = arithmetic_text(scene.resolved.kl_base->settings);
  measurement.unit = options.of();
  measurement.mode = options.how();
  measurement.checkpoint = options.model;
  measurement.device = device.name;
  measurement.dispatch_level = device.dispatch_level;
  measurement.program_version = QUANTSCOPE_VERSION;
  measurement.rows = std::move(rows);
  if (options.keeps_rows()) {  // the file is read for it
    auto fingerprint = scene.checkpoint->fingerprint();
    if (!fingerprint) return tl::unexpected(fingerprint.error());
    measurement.fingerprint = std::move(*fingerprint);
  }
  if (scene.data.text_ids.empty()) return measurement;
  measurement.protocol = scene.data.protocol.name;
  measurement.text_name = scene.data.text_name;
  measurement.text_hash = scene.data.text_hash;
  measurement.first_chunk = scene.task.first_chunk;
  measurement.last_chunk = scene.task.last_chunk;
  return measurement;
}

/// Where finished rows go, if anywhere: a file of rows or a workspace.
class RowKeeper {
 public:
  /// Fills in the figures that are there already.
  static Result<RowKeeper> open(const SensitivityCommand& options, SensitivityMeasurement& measurement) {
    RowKeeper keeper;
    if (!options.rows_file.empty() && options.wanted() != SensitivityMeasure::error) {
      auto file = SensitivityFile::open(options.rows_file, sensitivity_key(measurement), measurement.rows);
      if (!file) return tl::unexpected(file.error());
      keeper.file_ = std::move(*file);
    }
    if (!options.workspace.empty()) {
      auto workspace = Workspace::open(options.workspace, FileAccess::write);
      if (!workspace) return tl::unexpected(workspace.error());
      keeper.workspace_ = std::move(*workspace);
      auto id = keeper.workspace_->begin(measurement);
      if (!id) return tl::unexpected(id.error());
      keeper.id_ = *id;
    }
    return keeper;
  }

  Result<void> keep(const SensitivityRow& row) {
    if (file_) return file_->write(row);
    return workspace_ ? workspace_->keep(id_, row) : Result<void>();
  }

 private:
  std::optional<SensitivityFile> file_;
  std::unique_ptr<Workspace> workspace_;
  std::int64_t id_ = 0;
};

/// A row that cannot be kept stops the measurement: what is lost is not worth computing.
Result<void> measure(const Session& session, const SensitivityCommand& options, Scene& scene, RowKeeper& keeper,
                     std::vector<SensitivityRow>& rows) {
  Result<void> kept;
  std::stop_source halt;
  const std::stop_callback chain(session.stop, [&halt] { halt.request_stop(); });
  const auto keep = [&](const SensitivityRow& row) {
    if (kept) kept = keeper.keep(row);
    if (!kept) halt.request_stop();
  };
  const ProgressFn progress = session.json ? ProgressFn() : console_progress();
  auto done = measure_sensitivity(*scene.checkpoint, scene.resolved, options.how(), scene.text(), *scene.backend, rows,
                                  keep, progress, halt.get_token());
  return kept ? done : kept;
}

std::vector<std::string> cells_of(const SensitivityRow& row, bool measured) {
  std::vector<std::string> cells = {row.name,
                                    row.format,
                                    std::to_string(row.values),
                                    fmt::format("{:.5f}", row.error.relative_error),
                                    fmt::format("{:.2f}", row.error.sqnr_db),
                                    fmt::format("{:.6f}", row.error.cosine)};
  if (!measured) return cells;
  if (!row.figures) {
    cells.insert(cells.end(), {"-", "-", "-"});
    return cells;
  }
  const SensitivityFigures& figures = *row.figures;
  cells.push_back(divergence_text(figures.divergence));
  cells.push_back(log_ratio_text(figures.log_ratio));
  cells.push_back(percent_text(figures.same_top));
  return cells;
}

void print_rows(const SensitivityCommand& options, const Scene& scene, const std::vector<SensitivityRow>& rows) {
  const bool measured = options.wanted() != SensitivityMeasure::error;
  std::vector<std::vector<std::string>> table = {
      {options.unit, "format", "values", "relative error", "SQNR dB", "cosine"}};
  if (measured) table[0].insert(table[0].end(), {"KL mean", "ln(PPL/base)", "same top %"});
  for (const SensitivityRow& row : rows) table.push_back(cells_of(row, measured));
  print_table(table);
  if (!measured) return;
  const std::string quantized = configuration_text(scene.resolved.settings);
  const std::string base = configuration_text(scene.resolved.kl_base->settings);
  if (options.mode == "only")
    fmt::print("Only what a row names is in {}, the rest is in {}; {}.\n", quantized, base, kl_definition);
  else
    fmt::print("All is in {} but what a row names, which is in {}; {}.\n", quantized, base, kl_definition);
}

void print_result(const Session& session, const SensitivityCommand& options, const Scene& scene,
                  const std::vector<SensitivityRow>& rows) {
  if (!session.json) return print_rows(options, scene, rows);
  print_json({{"configuration", configuration_text(scene.resolved.settings)},
              {"base", configuration_text(scene.resolved.kl_base->settings)},
              {"measure", options.measure},
              {"unit", options.unit},
              {"mode", options.mode},
              {"protocol", scene.data.text_ids.empty() ? "" : scene.data.protocol.name},
              {"rows", json::parse(to_json(rows))}});
}

int sensitivity(const Session& session, const SensitivityCommand& options) {
  auto scene = prepare(session, options);
  if (!scene) return report_error(session, scene.error());
  const ProgressFn progress = session.json ? ProgressFn() : console_progress();
  auto rows =
      sensitivity_errors(*scene->checkpoint, scene->resolved, options.of(), *scene->backend, progress, session.stop);
  if (!rows) return report_error(session, rows.error());
  auto measurement = measurement_of(options, *scene, std::move(*rows));
  if (!measurement) return report_error(session, measurement.error());
  auto keeper = RowKeeper::open(options, *measurement);
  if (!keeper) return report_error(session, keeper.error());
  Result<void> done;
  if (options.wanted() != SensitivityMeasure::error)
    done = measure(session, options, *scene, *keeper, measurement->rows);
  sort_sensitivity(measurement->rows, options.wanted(), options.how());
  print_result(session, options, *scene, measurement->rows);
  if (!options.csv_file.empty())
    if (auto written = write_file_atomically(options.csv_file, layers_csv({&*measurement, 1})); !written)
      return report_error(session, written.error());
  return done ? static_cast<int>(ExitCode::done) : report_error(session, done.error());
}

}  // namespace

void add_sensitivity(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<SensitivityCommand>();
  CLI::App* command = app.add_subcommand("sensitivity", "Which tensors or layers a quantization hurts");
  command->add_option("model", options->model, "Checkpoint, or default")->required();
  options->settings.add_to(*command, true);
  const auto member = [&](const char* name, std::string& value, std::vector<std::string> values, const char* help) {
    command->add_option(name, value, help)->check(CLI::IsMember(std::move(values)))->capture_default_str();
  };
  member("--measure", options->measure, {"error", "kl", "perplexity"},
         "error of the weights (no run), or what the model's predictions lose; kl and perplexity come from the same "
         "runs, rows are sorted by the one asked for");
  member("--unit", options->unit, {"tensor", "layer"}, "What is exchanged at a time");
  member("--mode", options->mode, {"only", "all-but"}, "Quantize only this, or all but this");
  command->add_option("--base", options->base, "What the rest is, and what is compared with")->capture_default_str();
  command->add_option("--data", options->data, "Plain text; \"sample\" is the bundled one")->capture_default_str();
  command->add_option("--protocol", options->protocol, "ppl-llama.cpp-512 or ppl-gptq-2048");
  command->add_option("--chunks", options->chunks, "Windows A:B, counted from zero, B left out")->capture_default_str();
  auto* rows =
      command->add_option("--rows", options->rows_file,
                          "JSON lines: finished rows are appended at once; rows that are there are not measured again");
  add_workspace_option(*command, options->workspace)->excludes(rows);
  command->add_option("--csv", options->csv_file, "layers.csv to write");
  command->footer(
      R"(JSON: {"rows": [{"name": "model.layers.0.mlp.down_proj.weight", "relative_error": 0.09, "kl_mean": 0.004}]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return sensitivity(session, *options); }; });
}

}  // namespace quantscope::cli
