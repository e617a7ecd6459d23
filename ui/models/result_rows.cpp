// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/result_rows.h"

namespace quantscope::ui {
RunEntry row_of(const RunResult& run) {
  RunEntry row;
  row.request = run.request;
  row.stage = stage_of(run.state);
  row.resolved = run.resolved;
  row.result = std::make_shared<const RunResult>(run);
  row.model_label = QString::fromStdString(run.model_label);
  if (run.error) row.message = QString::fromStdString(run.error->message);
  return row;
}

std::vector<RunEntry> rows_of(std::span<const RunResult> runs, Scorer scorer) {
  std::vector<RunEntry> rows;
  std::vector<const RunResult*> others;
  for (const RunResult& run : runs) {
    if (!rows.empty()) others.push_back(&run);
    rows.push_back(row_of(run));
    rows.back().id = static_cast<RunId>(rows.size());
  }
  if (rows.empty()) return rows;
  std::vector<RunPairs> pairs = pairs_with(runs.front(), others, scorer);
  for (std::size_t i = 0; i < pairs.size(); ++i) rows[i + 1].pairs = std::move(pairs[i]);
  return rows;
}

std::vector<RunPairs> pairs_with(const RunResult& base, std::span<const RunResult* const> others, Scorer scorer,
                                 const std::stop_token& stop) {
  std::vector<RunPairs> pairs(others.size());
  std::vector<PairRow> f1 = f1_pairs(base, others, scorer, stop);
  for (std::size_t i = 0; i < f1.size(); ++i) pairs[i].f1 = std::move(f1[i]);
  std::vector<const RunResult*> with_perplexity;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (!base.perplexity || !others[i]->perplexity || others[i]->kl) continue;
    with_perplexity.push_back(others[i]);
    places.push_back(i);
  }
  std::vector<PairRow> perplexity = perplexity_pairs(base, with_perplexity, stop);
  for (std::size_t i = 0; i < perplexity.size(); ++i) pairs[places[i]].perplexity = std::move(perplexity[i]);
  return pairs;
}

}  // namespace quantscope::ui
