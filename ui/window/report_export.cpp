// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/report_export.h"

#include <QDir>
#include <QFile>

#include "core/experiment/run_file_limits.h"
#include "core/experiment/tensor_preview.h"
#include "core/input/bounded_file.h"
#include "core/report/run_json.h"
#include "core/report/weights_figure.h"
#include "ui/charts/chart_view.h"
#include "ui/charts/result_charts.h"
#include "ui/charts/weight_charts.h"
#include "ui/models/result_rows.h"

namespace quantscope::ui {
namespace {

constexpr int preview_threads = 2;

Result<ChartData> draw_histogram(const WeightsFigure& figure) {
  auto previewer = TensorPreviewer::create(preview_threads);
  if (!previewer) return tl::unexpected(previewer.error());
  const auto preview = (*previewer)->preview(*figure.checkpoint, figure.info(), figure.format, {});
  if (!preview) return tl::unexpected(preview.error());
  HistogramView view;
  view.tensor = QString::fromStdString(figure.info().name);
  view.type = figure.type;
  view.range = full_range(preview->source);
  return histogram_chart(*preview, view);
}

Result<void> write_charts(const QString& folder, std::span<const RunResult> runs, const ChartData& weights) {
  const Scorer scorer = runs.empty() || !runs.front().qa ? Scorer::lm_eval : runs.front().qa->task.scorer;
  const std::vector<RunEntry> rows = rows_of(runs, scorer);
  std::vector<const RunEntry*> shown;
  for (const RunEntry& row : rows) shown.push_back(&row);
  for (const ChartData& chart :
       {memory_chart(shown), accuracy_chart(shown, scorer), divergence_chart(shown), levels_chart(), weights}) {
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

/// `weights` or else the histogram of weights_figure() stands beside the other charts.
Result<DrawnCharts> draw_charts(const QString& folder, std::span<const RunResult> runs, ChartData weights) {
  DrawnCharts charts{true, weights.summary.toStdString()};
  if (weights.empty()) {
    weights.name = QStringLiteral("weights");
    const auto figure = weights_figure(runs, ResourcePaths::locate());
    charts.weights = figure ? figure->caption : figure.error().message;
    if (figure) {
      auto histogram = draw_histogram(*figure);
      if (!histogram) return tl::unexpected(histogram.error());
      weights = std::move(*histogram);
    }
  }
  if (auto written = write_charts(folder, runs, weights); !written) return tl::unexpected(written.error());
  return charts;
}

}  // namespace

Result<void> export_report(const QString& folder, ReportContent content, const ChartData& weights) {
  return write_report(folder.toStdString(), std::move(content),
                      [&](const std::filesystem::path&, std::span<const RunResult> runs) {
                        return draw_charts(folder, runs, weights);
                      });
}

Result<void> render_report(const QString& folder) {
  auto runs = read_runs(QDir(folder).filePath(QStringLiteral("run.json")));
  if (!runs) return tl::unexpected(runs.error());
  if (const auto drawn = draw_charts(folder, *runs, {}); !drawn) return tl::unexpected(drawn.error());
  return {};
}

Result<std::vector<RunResult>> read_runs(const QString& path) {
  const auto text = read_bounded_file(path.toStdString(), largest_run_file, "run.json");
  if (!text) return tl::unexpected(text.error());
  return runs_from_json(*text);
}

}  // namespace quantscope::ui
