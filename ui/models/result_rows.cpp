// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/result_rows.h"

namespace quantscope::ui {
RunEntry row_of(const RunResult& run) {
  RunEntry row;
  row.request = run.request;
  row.stage = stage_of(run.state);
  row.resolved = run.resolved;
  row.result = std::make_shared<const RunResult>(run);
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
  std::vector<PairRow> pairs = f1_pairs(runs.front(), others, scorer);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i].comparison) rows[i + 1].pair = std::move(pairs[i]);
  return rows;
}

}  // namespace quantscope::ui
