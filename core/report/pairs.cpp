// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/pairs.h"

#include <fmt/format.h>

#include "core/experiment/compare_runs.h"

namespace quantscope {
namespace {

constexpr double significance = 0.05;

/// Words for a comparison that was made; its p_holm is the p corrected for all comparisons of the table. A low F1 is
/// worse, and a high perplexity.
std::string verdict_of(const PairRow& row) {
  const PairedComparison& pair = *row.comparison;
  const std::string n =
      fmt::format("at n = {}{}", count_text(pair.n, pair.asked), row.figure == PairFigure::f1 ? "" : " windows");
  if (!pair.resolved() || pair.p > significance) return "not resolved " + n;
  const bool is_worse = (row.figure == PairFigure::f1) == (pair.difference < 0);
  const std::string_view direction = is_worse ? "worse" : "better";
  const std::string until_now = pair.n < pair.asked ? fmt::format(" {} so far", n) : std::string();
  if (row.p_holm <= significance) return std::string(direction) + until_now;
  return fmt::format("{} by its own interval, not resolved among all comparisons {}", direction, n);
}

PairRow pair_row(const RunResult& base, const RunResult& other, PairFigure figure) {
  PairRow row;
  row.configuration = run_name(other);
  row.baseline = run_name(base);
  row.figure = figure;
  if (base.qa) row.scorer = base.qa->task.scorer;
  auto compared = figure == PairFigure::f1 ? compare_runs(base, other, row.scorer) : compare_perplexities(base, other);
  if (compared)
    row.comparison = *compared;
  else
    row.verdict = compared.error().message;
  return row;
}

bool has_row(const RunResult& base, const RunResult& other, PairFigure figure) {
  if (figure == PairFigure::f1) return base.qa || other.qa;
  return base.perplexity && other.perplexity && !other.kl;
}

/// The rows of one figure, which are one family of comparisons.
std::vector<PairRow> rows_of(std::span<const RunResult> runs, PairFigure figure) {
  std::vector<PairRow> rows;
  for (std::size_t i = 1; i < runs.size(); ++i)
    if (has_row(runs.front(), runs[i], figure)) rows.push_back(pair_row(runs.front(), runs[i], figure));
  std::vector<double> p;
  for (const PairRow& row : rows)
    if (row.comparison) p.push_back(row.comparison->p);
  const std::vector<double> adjusted = holm_adjust(p);
  std::size_t next = 0;
  for (PairRow& row : rows) {
    if (!row.comparison) continue;
    row.p_holm = adjusted[next++];
    row.verdict = verdict_of(row);
  }
  return rows;
}

}  // namespace

std::string_view pair_figure_name(PairFigure figure) { return figure == PairFigure::f1 ? "f1" : "ln_perplexity_ratio"; }

std::string_view pair_item_name(PairFigure figure) { return figure == PairFigure::f1 ? "questions" : "windows"; }

std::vector<PairRow> pair_rows(std::span<const RunResult> runs) {
  std::vector<PairRow> rows = rows_of(runs, PairFigure::f1);
  for (PairRow& row : rows_of(runs, PairFigure::perplexity)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace quantscope
