// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/result_rows.h"

#include "core/experiment/compare_runs.h"

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
  for (const RunResult& run : runs) {
    RunEntry row = row_of(run);
    row.id = static_cast<RunId>(rows.size()) + 1;
    if (!rows.empty())
      if (const auto pair = compare_runs(runs.front(), run, scorer)) row.pair = *pair;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace quantscope::ui
