// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/report_pairs.h"

#include <fmt/format.h>

namespace quantscope {
namespace {

constexpr double significance = 0.05;

/// Words for a comparison that was made; `p_holm` is its p corrected for all comparisons of the table.
std::string verdict_of(const PairedComparison& pair, double p_holm) {
  if (!pair.resolved()) return fmt::format("not resolved at n = {}", pair.n);
  const std::string_view direction = pair.difference < 0 ? "worse" : "better";
  if (p_holm <= significance) return std::string(direction);
  return fmt::format("{} by its own interval, not resolved among all comparisons at n = {}", direction, pair.n);
}

PairRow pair_row(const RunResult& base, const RunResult& other) {
  PairRow row;
  row.configuration = run_name(other);
  row.baseline = run_name(base);
  if (base.qa) row.scorer = base.qa->task.scorer;
  auto compared = compare_runs(base, other, row.scorer);
  if (compared)
    row.comparison = *compared;
  else
    row.verdict = compared.error().message;
  return row;
}

}  // namespace

std::vector<PairRow> pair_rows(std::span<const RunResult> runs) {
  std::vector<PairRow> rows;
  for (std::size_t i = 1; i < runs.size(); ++i) rows.push_back(pair_row(runs.front(), runs[i]));
  std::vector<double> p;
  for (const PairRow& row : rows)
    if (row.comparison) p.push_back(row.comparison->p);
  const std::vector<double> adjusted = holm_adjust(p);
  std::size_t next = 0;
  for (PairRow& row : rows) {
    if (!row.comparison) continue;
    row.p_holm = adjusted[next++];
    row.verdict = verdict_of(*row.comparison, row.p_holm);
  }
  return rows;
}

}  // namespace quantscope
