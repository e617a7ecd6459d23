// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/cli/console.h"
#include "app/cli/kl_table.h"
#include "app/cli/report_folder.h"
#include "core/experiment/runner.h"
#include "core/report/figure_text.h"
#include "core/report/pairs.h"
#include "core/report/published_table.h"
#include "core/report/report.h"
#include "core/report/run_json.h"
#include "core/report/sentences.h"
#include "core/workspace/workspace.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;
namespace fs = std::filesystem;

/// Appends finished items to items.jsonl, one JSON object per line, flushed at once.
class ItemLog {
 public:
  ItemLog(const fs::path& folder, std::string configuration) : configuration_(std::move(configuration)) {
    if (!folder.empty()) file_.open(folder / "items.jsonl", std::ios::app);
  }

  void write(const QaAnswer& answer) {
    const QaScore& score = answer.scores[0];
    put({{"configuration", configuration_},
         {"story", answer.story_id},
         {"turn", answer.turn},
         {"prediction", answer.prediction},
         {"f1", score.f1},
         {"em", score.em}});
  }
  void write(const PerplexityChunk& chunk) {
    put({{"configuration", configuration_},
         {"chunk", chunk.index},
         {"nll_sum", chunk.nll_sum},
         {"scored", chunk.scored}});
  }
  void write(const KlChunk& chunk) {
    put({{"configuration", configuration_},
         {"chunk", chunk.index},
         {"kl_sum", chunk.kl_sum},
         {"nll_sum", chunk.nll_sum},
         {"base_nll_sum", chunk.base_nll_sum},
         {"same_top", chunk.same_top},
         {"scored", chunk.scored}});
  }

 private:
  void put(const json& line) {
    if (!file_.is_open()) return;
    file_ << line.dump(-1, ' ', false, json::error_handler_t::replace) << '\n' << std::flush;
  }

  std::string configuration_;
  std::ofstream file_;
};

RunObserver observer_for(const Session& session, ItemLog& log) {
  RunObserver observer;
  if (!session.json) observer.progress = console_progress();
  observer.resolved = [](const Resolved& resolved) {
    fmt::print(stderr, "{}\n", resolved.summary);
    if (!resolved.memory_warning.empty()) fmt::print(stderr, "Warning: {}\n", resolved.memory_warning);
  };
  observer.answer = [&log](const QaAnswer& answer) { log.write(answer); };
  observer.chunk = [&log](const PerplexityChunk& chunk) { log.write(chunk); };
  observer.kl_chunk = [&log](const KlChunk& chunk) { log.write(chunk); };
  return observer;
}

std::vector<std::string> row_of(const RunResult& run) {
  std::vector<std::string> row = {run_name(run), mebibytes(run.measured.weights()),
                                  mebibytes(run.resolved.as_commonly_reported),
                                  bits_per_weight_text(run.resolved.bits_per_weight)};
  if (run.qa && !run.qa->answers.empty()) {
    const Scorer scorer = run.qa->task.scorer;
    const MeanEstimate f1 = run.qa->f1(scorer);
    row.insert(row.end(), {percent_text(f1), percent_text(run.qa->em(scorer)), count_text(f1.n, run.qa->asked)});
  } else {
    row.insert(row.end(), {"-", "-", "-"});
  }
  row.push_back(run.perplexity && !run.perplexity->result.chunks.empty() ? perplexity_text(run.perplexity->result)
                                                                         : "-");
  row.push_back(run.speed ? rate_text(run.speed->generation_tokens_per_second.median) : "-");
  return row;
}

bool has_figures(const RunResult& run) {
  return run.measured.weights() > 0 || run.speed || (run.qa && !run.qa->answers.empty()) ||
         (run.perplexity && !run.perplexity->result.chunks.empty()) || (run.kl && !run.kl->result.chunks.empty());
}

std::string comparison_text(const PairRow& pair) {
  const PairedComparison& figures = *pair.comparison;
  std::string text = fmt::format("{}, p = {} (Holm {})", difference_text(pair), p_text(figures.p), p_text(pair.p_holm));
  if (pair.figure == PairFigure::f1)
    text += fmt::format(", {} worse / {} better", figures.flips_worse, figures.flips_better);
  return text;
}

void print_pairs(const std::vector<RunResult>& results) {
  for (const PairRow& pair : pair_rows(results)) {
    if (!pair.comparison) {
      fmt::print("{} against {}: {}\n", pair.configuration, pair.baseline, pair.verdict);
      continue;
    }
    const PairedComparison& figures = *pair.comparison;
    fmt::print("{} against {}: {}: {}", pair.configuration, pair.baseline, comparison_text(pair), pair.verdict);
    if (!figures.resolved() && figures.n_needed > figures.n)
      fmt::print("; about {} {} would resolve it", figures.n_needed, pair_item_name(pair.figure));
    fmt::print("\n");
  }
}

void print_notes(const RunResult& run) {
  if (!run.provenance.baseline_note.empty()) fmt::print("Baseline = {}.\n", run.provenance.baseline_note);
  if (!run.qa) return;
  fmt::print("{}, {}, prompt {}, scorer {}.\n", run.qa->dataset_name, items_text(run.qa->task), run.qa->task.protocol,
             scorer_label(run.qa->task.scorer));
  const std::int64_t prompts = run.qa->prompt_tokens();
  const std::int64_t computed = run.qa->computed_prompt_tokens();
  fmt::print("{} prompt tokens, {} of them computed and {} taken from shared prefixes.\n", prompts, computed,
             prompts - computed);
  for (const std::string& note : run.qa->notes) fmt::print("Note: {}\n", note);
}

void print_speeds(const std::vector<RunResult>& results) {
  std::vector<std::vector<std::string>> table = {
      {"speed", "prompt tokens/s", "generated tokens/s", "first token s", "load s", "quantize s", "of bandwidth %"}};
  for (const RunResult& run : results) {
    if (!run.speed) continue;
    const SpeedResult& speed = *run.speed;
    table.push_back({run_name(run), rate_text(speed.prompt_tokens_per_second),
                     rate_text(speed.generation_tokens_per_second), seconds_text(speed.time_to_first_token),
                     seconds_text(speed.load_seconds), seconds_text(speed.quantize_seconds),
                     speed.memory_bandwidth > 0 ? percent_text(speed.bandwidth_share().median) : "-"});
  }
  if (table.size() > 1) print_table(table);
}

void put_comparison(json& pair, const PairRow& row) {
  const PairedComparison& figures = *row.comparison;
  pair.update({{"n", figures.n},
               {"asked", figures.asked},
               {"difference", figures.difference},
               {"low", figures.low},
               {"high", figures.high},
               {"p", figures.p},
               {"p_holm", row.p_holm},
               {"n_needed", figures.n_needed}});
  if (row.figure == PairFigure::perplexity) {
    pair["standard_error"] = figures.error;
    return;
  }
  pair.update({{"scorer", scorer_name(row.scorer)},
               {"flips_worse", figures.flips_worse},
               {"flips_better", figures.flips_better},
               {"p_mcnemar", figures.mcnemar_p}});
}

json pairs_json(const std::vector<RunResult>& results) {
  json pairs = json::array();
  for (const PairRow& row : pair_rows(results)) {
    json pair = {{"configuration", row.configuration},
                 {"baseline", row.baseline},
                 {"figure", pair_figure_name(row.figure)},
                 {"verdict", row.verdict}};
    if (row.comparison) put_comparison(pair, row);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

/// So that a run can be repeated from another folder.
void make_paths_absolute(RunRequest& request) {
  const auto absolute = [](std::string& path) {
    std::error_code ignored;
    if (!path.empty() && path != "default" && path != "sample" && fs::exists(path, ignored))
      path = fs::absolute(path, ignored).lexically_normal().string();
  };
  absolute(request.model);
  for (Task& task : request.tasks) absolute(task.data);
}

/// The runs of one command, with everything that is written on the way.
class Experiment {
 public:
  Experiment(const Session& session, const ExperimentOutputs& outputs) : session_(session), outputs_(outputs) {}

  /// Makes sure before anything runs or is planned that it can run and that results can be written.
  Result<void> begin(const std::vector<RunRequest>& requests) {
    for (const RunRequest& request : requests)
      if (auto checked = check_tasks(request.tasks); !checked) return checked;
    if (auto written = save_tables(); !written) return written;
    if (outputs_.workspace.empty()) return {};
    auto workspace = Workspace::open(outputs_.workspace, FileAccess::write);
    if (!workspace) return tl::unexpected(workspace.error());
    workspace_ = std::move(*workspace);
    return workspace_->plan(requests);
  }

  /// False when the ones after it shall not run.
  bool run(const RunRequest& request) {
    ItemLog log(workspace_ ? fs::path() : fs::path(outputs_.report), configuration_text(request.settings));
    const std::unique_ptr<RunStore> store = workspace_ ? workspace_->store() : nullptr;
    auto result = runner_.run(request, observer_for(session_, log), session_.stop, store.get());
    if (!result) {
      outcome_.exit_code = report_error(session_, result.error());
      return false;
    }
    outcome_.results.push_back(std::move(*result));
    tell_models_apart(outcome_.results);
    if (auto saved = save_tables(); !saved) {
      outcome_.exit_code = report_error(session_, saved.error());
      return false;
    }
    const RunResult& last = outcome_.results.back();
    if (last.error) outcome_.exit_code = report_error(session_, *last.error);
    return last.state != RunState::stopped;
  }

  void finish() {
    if (outputs_.report.empty() || outcome_.results.empty()) return;
    ReportContent content{outcome_.results, outputs_.preset, {}};
    if (workspace_)
      if (auto kept = workspace_->sensitivities()) content.sensitivities = std::move(*kept);
    if (auto written = write_report_folder(outputs_.report, std::move(content)); !written)
      outcome_.exit_code = report_error(session_, written.error());
  }

  ExperimentOutcome take_outcome() { return std::move(outcome_); }

 private:
  Result<void> save_tables() const {
    return outputs_.report.empty() ? Result<void>()
                                   : write_report_tables(outputs_.report, {outcome_.results, outputs_.preset, {}});
  }

  const Session& session_;
  const ExperimentOutputs& outputs_;
  std::unique_ptr<Workspace> workspace_;
  Runner runner_{ResourcePaths::locate()};
  ExperimentOutcome outcome_;
};

}  // namespace

ExperimentOutcome run_experiment(const Session& session, std::vector<RunRequest> requests,
                                 const ExperimentOutputs& outputs) {
  for (RunRequest& request : requests) make_paths_absolute(request);
  Experiment experiment(session, outputs);
  if (auto begun = experiment.begin(requests); !begun) return {{}, report_error(session, begun.error())};
  for (const RunRequest& request : requests)
    if (!experiment.run(request)) break;
  experiment.finish();
  return experiment.take_outcome();
}

void print_results(const Session& session, const std::vector<RunResult>& results, const fs::path& report_folder) {
  if (session.json) {
    json document = json::parse(runs_json(results));
    document["pairs"] = pairs_json(results);
    if (!report_folder.empty()) document["report"] = report_folder.string();
    print_json(document);
    return;
  }
  // A run that failed before anything was measured has its error on standard error and nothing for a table.
  if (std::ranges::none_of(results, [](const RunResult& run) { return has_figures(run); })) return;
  std::vector<std::vector<std::string>> table = {{"configuration", "weights", "as commonly reported", "bits/weight",
                                                  "F1 %", "EM %", "n", "perplexity", "tokens/s"}};
  for (const RunResult& run : results) table.push_back(row_of(run));
  print_table(table);
  print_kl(results);
  print_speeds(results);
  print_pairs(results);
  print_notes(results.front());
  for (const RunResult& run : results)
    if (const std::string cut = cut_sentence(run); !cut.empty()) fmt::print("Note: {}\n", cut);
  if (!report_folder.empty()) fmt::print("Report: {}\n", fs::absolute(report_folder).string());
}

void print_published(const Preset& preset, const std::vector<RunResult>& results) {
  fmt::print("\nPublished figures: {}.\n", preset.source);
  print_table(published_table(preset, results));
  for (const Preset::Missing& missing : preset.not_available)
    fmt::print("{}: {}\n", missing.configuration, missing.why);
  for (const std::string& sentence : differences_from(preset, results)) fmt::print("Note: {}\n", sentence);
  for (const std::string& sentence : preset.caveats) fmt::print("Note: {}\n", sentence);
}

}  // namespace quantscope::cli
