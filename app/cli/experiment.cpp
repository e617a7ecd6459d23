// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/experiment.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/cli/console.h"
#include "app/cli/kl_table.h"
#include "core/experiment/report.h"
#include "core/experiment/report_pairs.h"
#include "core/experiment/runner.h"

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

/// Charts are drawn by the window program beside this one, on Qt's offscreen platform.
void render_charts(const fs::path& folder) {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path() / "quantscope";
  if (!fs::exists(program, ignored)) {
    fmt::print(stderr, "Charts are left out: the window program {} is not there.\n", program.string());
    return;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::setenv("QT_QPA_PLATFORM", "offscreen", 1);
    ::execl(program.c_str(), program.c_str(), "--render-report", folder.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    fmt::print(stderr, "Charts are left out: {} --render-report failed.\n", program.string());
}

std::string percent(const MeanEstimate& estimate) {
  return fmt::format("{:.2f} +- {:.2f}", 100 * estimate.mean, 100 * estimate.error);
}

std::vector<std::string> row_of(const RunResult& run) {
  std::vector<std::string> row = {configuration_text(run.request.settings), mebibytes(run.measured.weights()),
                                  mebibytes(run.resolved.as_commonly_reported),
                                  fmt::format("{:.3f}", run.resolved.bits_per_weight)};
  if (run.qa && !run.qa->answers.empty()) {
    const Scorer scorer = run.qa->task.scorer;
    const MeanEstimate f1 = run.qa->f1(scorer);
    row.insert(row.end(), {percent(f1), percent(run.qa->em(scorer)), std::to_string(f1.n)});
  } else {
    row.insert(row.end(), {"-", "-", "-"});
  }
  row.push_back(run.perplexity ? fmt::format("{:.4f} +- {:.4f}", run.perplexity->result.perplexity,
                                             run.perplexity->result.perplexity_error)
                               : "-");
  row.push_back(run.speed ? fmt::format("{:.1f}", run.speed->generation_tokens_per_second.median) : "-");
  return row;
}

void print_pairs(const std::vector<RunResult>& results) {
  for (const PairRow& pair : pair_rows(results)) {
    if (!pair.comparison) {
      if (results.front().qa) fmt::print("{} against {}: {}\n", pair.configuration, pair.baseline, pair.verdict);
      continue;
    }
    const PairedComparison& figures = *pair.comparison;
    fmt::print("{} against {}: F1 {:+.2f} [{:+.2f}, {:+.2f}], p = {:.4f} (Holm {:.4f}), {} worse / {} better: {}",
               pair.configuration, pair.baseline, 100 * figures.difference, 100 * figures.low, 100 * figures.high,
               figures.p, pair.p_holm, figures.flips_worse, figures.flips_better, pair.verdict);
    if (!figures.resolved() && figures.n_needed > 0) fmt::print("; about {} items would resolve it", figures.n_needed);
    fmt::print("\n");
  }
}

void print_notes(const RunResult& run) {
  if (!run.provenance.baseline_note.empty()) fmt::print("Baseline = {}.\n", run.provenance.baseline_note);
  if (!run.qa) return;
  fmt::print("{}, prompt {}, scorer {}.\n", run.qa->dataset_name, run.qa->task.protocol,
             scorer_label(run.qa->task.scorer));
  const std::int64_t prompts = run.qa->prompt_tokens();
  const std::int64_t computed = run.qa->computed_prompt_tokens();
  fmt::print("{} prompt tokens, {} of them computed and {} taken from shared prefixes.\n", prompts, computed,
             prompts - computed);
  for (const std::string& note : run.qa->notes) fmt::print("Note: {}\n", note);
}

json pairs_json(const std::vector<RunResult>& results) {
  json pairs = json::array();
  for (const PairRow& row : pair_rows(results)) {
    json pair = {{"configuration", row.configuration}, {"baseline", row.baseline}, {"verdict", row.verdict}};
    if (row.comparison) {
      const PairedComparison& figures = *row.comparison;
      pair.update({{"scorer", scorer_name(row.scorer)},
                   {"n", figures.n},
                   {"difference", figures.difference},
                   {"low", figures.low},
                   {"high", figures.high},
                   {"p", figures.p},
                   {"p_holm", row.p_holm},
                   {"flips_worse", figures.flips_worse},
                   {"flips_better", figures.flips_better},
                   {"p_mcnemar", figures.mcnemar_p},
                   {"n_needed", figures.n_needed}});
    }
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace

ExperimentOutcome run_experiment(const Session& session, const std::vector<RunRequest>& requests,
                                 const fs::path& report_folder) {
  ExperimentOutcome outcome;
  const auto save = [&]() -> Result<void> {
    return report_folder.empty() ? Result<void>() : write_report(report_folder, outcome.results);
  };
  if (auto writable = save(); !writable) {
    outcome.exit_code = report_error(session, writable.error());
    return outcome;
  }
  Runner runner(ResourcePaths::locate());
  for (const RunRequest& request : requests) {
    ItemLog log(report_folder, configuration_text(request.settings));
    auto result = runner.run(request, observer_for(session, log), session.stop);
    if (!result) {
      outcome.exit_code = report_error(session, result.error());
      break;
    }
    outcome.results.push_back(std::move(*result));
    if (auto saved = save(); !saved) {
      outcome.exit_code = report_error(session, saved.error());
      break;
    }
    const RunResult& last = outcome.results.back();
    if (last.error) outcome.exit_code = report_error(session, *last.error);
    if (last.state == RunState::stopped) break;
  }
  if (!report_folder.empty() && !outcome.results.empty()) render_charts(report_folder);
  return outcome;
}

void print_results(const Session& session, const std::vector<RunResult>& results, const fs::path& report_folder) {
  if (session.json) {
    json document = json::parse(runs_json(results));
    document["pairs"] = pairs_json(results);
    if (!report_folder.empty()) document["report"] = report_folder.string();
    print_json(document);
    return;
  }
  if (results.empty()) return;
  std::vector<std::vector<std::string>> table = {{"configuration", "weights", "as commonly reported", "bits/weight",
                                                  "F1 %", "EM %", "n", "perplexity", "tokens/s"}};
  for (const RunResult& run : results) table.push_back(row_of(run));
  print_table(table);
  print_kl(results);
  print_pairs(results);
  print_notes(results.front());
  if (!report_folder.empty()) fmt::print("Report: {}\n", fs::absolute(report_folder).string());
}

}  // namespace quantscope::cli
