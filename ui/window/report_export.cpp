// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/report_export.h"

#include <QDir>
#include <QFile>

#include "core/report/html_page.h"
#include "core/report/report.h"
#include "core/report/run_json.h"
#include "ui/charts/chart_view.h"
#include "ui/charts/result_charts.h"
#include "ui/charts/weight_charts.h"
#include "ui/models/result_rows.h"

namespace quantscope::ui {

Result<void> write_charts(const QString& folder, std::span<const RunResult> runs, const ChartData& weights) {
  const std::vector<RunEntry> rows = rows_of(runs, Scorer::lm_eval);
  std::vector<const RunEntry*> shown;
  for (const RunEntry& row : rows) shown.push_back(&row);
  for (const ChartData& chart : {memory_chart(shown), accuracy_chart(shown, Scorer::lm_eval), divergence_chart(shown),
                                 levels_chart(), weights}) {
    const QString path = QDir(folder).filePath(chart.name + QStringLiteral(".png"));
    if (chart.empty()) {
      if (!chart.name.isEmpty()) QFile::remove(path);  // of an earlier report: it would stand beside other runs
      continue;
    }
    if (!write_chart_png(chart, path))
      return fail(ErrorCode::io, "The chart " + path.toStdString() + " cannot be written; choose another folder.",
                  path.toStdString());
  }
  return {};
}

Result<void> export_report(const QString& folder, std::span<const RunResult> runs, const ChartData& weights) {
  if (auto written = write_report(folder.toStdString(), runs); !written) return written;
  if (auto drawn = write_charts(folder, runs, weights); !drawn) return drawn;
  return write_html_report(folder.toStdString(), runs, {true, nullptr});
}

Result<void> render_report(const QString& folder) {
  auto runs = read_runs(QDir(folder).filePath(QStringLiteral("run.json")));
  if (!runs) return tl::unexpected(runs.error());
  return write_charts(folder, *runs);
}

Result<std::vector<RunResult>> read_runs(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly))
    return fail(ErrorCode::not_found,
                "The file " + path.toStdString() + " cannot be opened: " + file.errorString().toStdString() + ".",
                path.toStdString());
  return runs_from_json(file.readAll().toStdString());
}

}  // namespace quantscope::ui
