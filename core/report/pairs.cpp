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
  if (!row.resolved())
    return fmt::format("not resolved among all comparisons {}, though its own interval leaves out 0", n);
  const bool is_worse = (row.figure == PairFigure::f1) == (pair.difference < 0);
  const std::string until_now = pair.n < pair.asked ? fmt::format(" {} so far", n) : std::string();
  return (is_worse ? "worse" : "better") + until_now;
}

PairRow pair_row(const RunResult& base, const RunResult& other, PairFigure figure, Scorer scorer) {
  PairRow row;
  row.configuration = run_name(other);
  row.baseline = run_name(base);
  row.figure = figure;
  row.scorer = scorer;
  auto compared = figure == PairFigure::f1 ? compare_runs(base, other, scorer) : compare_perplexities(base, other);
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
std::vector<PairRow> family(const RunResult& base, std::span<const RunResult* const> others, PairFigure figure,
                            Scorer scorer, const std::stop_token& stop) {
  std::vector<PairRow> rows;
  for (const RunResult* other : others) {
    if (stop.stop_requested()) return {};
    rows.push_back(pair_row(base, *other, figure, scorer));
  }
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

bool PairRow::resolved() const { return comparison && comparison->resolved() && p_holm <= significance; }

std::vector<PairRow> f1_pairs(const RunResult& base, std::span<const RunResult* const> others, Scorer scorer,
                              const std::stop_token& stop) {
  return family(base, others, PairFigure::f1, scorer, stop);
}

std::vector<PairRow> perplexity_pairs(const RunResult& base, std::span<const RunResult* const> others,
                                      const std::stop_token& stop) {
  return family(base, others, PairFigure::perplexity, Scorer::lm_eval, stop);
}

std::vector<PairRow> pair_rows(std::span<const RunResult> runs) {
  std::vector<PairRow> rows;
  if (runs.empty()) return rows;
  const RunResult& base = runs.front();
  const Scorer scorer = base.qa ? base.qa->task.scorer : Scorer::lm_eval;
  for (const PairFigure figure : {PairFigure::f1, PairFigure::perplexity}) {
    std::vector<const RunResult*> others;
    for (const RunResult& run : runs.subspan(1))
      if (has_row(base, run, figure)) others.push_back(&run);
    for (PairRow& row : family(base, others, figure, scorer, {})) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace quantscope
