// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/kl_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/console.h"
#include "core/experiment/compare_runs.h"
#include "core/report/figure_text.h"

namespace quantscope::cli {
namespace {

std::vector<std::string> row_of(const RunResult& run) {
  const KlResult& kl = run.kl->result;
  const auto at = [&](double fraction) { return divergence_text(KlResult::at(kl.divergence_percentiles, fraction)); };
  return {run_name(run),
          divergence_text(kl.divergence),
          at(0.5),
          at(0.9),
          at(0.95),
          at(0.99),
          at(0.999),
          at(1),
          percent_text(kl.same_top),
          percent_text(kl.rms_delta_p),
          log_ratio_text(kl.log_ratio)};
}

}  // namespace

void print_kl(const std::vector<RunResult>& results) {
  std::vector<std::vector<std::string>> table = {{"KL divergence", "mean", "median", "90 %", "95 %", "99 %", "99.9 %",
                                                  "max", "same top %", "RMS dp %", "ln(PPL/base)"}};
  for (const RunResult& run : results)
    if (run.kl) table.push_back(row_of(run));
  if (table.size() == 1) return;
  print_table(table);
  const auto first = std::ranges::find_if(results, [](const RunResult& run) { return run.kl.has_value(); });
  fmt::print("{}; base {}, {}, {} positions of {}.\n", kl_definition, first->kl->base, first->kl->task.protocol,
             first->kl->result.scored, first->kl->text_name);
  for (const RunResult& run : results) {
    if (!run.kl) continue;
    if (const std::int64_t windows = std::ssize(run.kl->result.chunks); windows < run.kl->asked)
      fmt::print("{}: {} windows so far.\n", run_name(run), count_text(windows, run.kl->asked));
    if (const auto same = check_divergences(*first, run); !same)
      fmt::print("{} cannot be set beside {}: {}\n", run_name(run), run_name(*first), same.error().message);
  }
}

}  // namespace quantscope::cli
