// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/workspace_rows.h"

#include <algorithm>
#include <map>
#include <set>

#include "ui/models/result_rows.h"

namespace quantscope::ui {

Result<std::vector<RunEntry>> rows_of(const Workspace& workspace) {
  const auto results = workspace.results();
  if (!results) return tl::unexpected(results.error());
  const auto unfinished = workspace.unfinished();
  if (!unfinished) return tl::unexpected(unfinished.error());
  std::vector<RunEntry> rows;
  std::set<std::string> begun;
  for (const RunResult& run : *results) {
    rows.push_back(row_of(run));
    begun.insert(to_json(run.request));
  }
  for (const RunRequest& request : *unfinished) {
    if (begun.contains(to_json(request))) continue;
    RunEntry& planned = rows.emplace_back();
    planned.request = request;
    planned.stage = RunEntry::Stage::stopped;
  }
  const QString path = QString::fromStdString(workspace.path().string());
  for (RunEntry& row : rows) row.workspace = path;
  return rows;
}

std::vector<RunId> unfinished_runs(const RunsModel& runs) {
  std::map<std::string, const RunEntry*> last;
  for (const RunEntry& entry : runs.entries())
    if (!entry.workspace.isEmpty()) last[to_json(entry.request)] = &entry;
  std::vector<RunId> ids;
  for (const auto& [request, entry] : last)
    if (entry->stage == RunEntry::Stage::stopped || entry->stage == RunEntry::Stage::failed) ids.push_back(entry->id);
  std::ranges::sort(ids);  // ids are given in the order of the rows
  return ids;
}

}  // namespace quantscope::ui
