// SPDX-License-Identifier: GPL-3.0-or-later
#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <array>
#include <limits>

#include "core/experiment/compare_runs.h"
#include "core/report/figure_text.h"
#include "ui/charts/result_charts.h"
#include "ui/models/format.h"
#include "ui/models/run_style.h"

namespace quantscope::ui {
namespace {

/// Percentiles drawn beside the mean.
constexpr std::array<double, 3> drawn_fractions = {0.5, 0.9, 0.99};
constexpr double percentile_offset = 0.22;

QString tr(const char* text) { return QCoreApplication::translate("DivergenceChart", text); }

ChartSeries points_of(const RunEntry& run, const QString& name, bool faded) {
  ChartSeries series;
  series.name = QStringLiteral("%1, %2").arg(run_label(run), name);
  series.shape = SeriesShape::points;
  series.color = run_color(run);
  series.marker = run_marker(run);
  series.faded = faded;
  series.in_legend = false;
  return series;
}

/// The mean with its standard error; a base compared with itself has 0, which a logarithmic axis cannot show.
void add_run(const RunEntry& run, double row, ChartData& chart) {
  const KlResult& kl = run.result->kl->result;
  ChartSeries mean = points_of(run, tr("mean"), false);
  ChartSeries percentiles = points_of(run, tr("median, 90 %, 99 %"), true);
  if (kl.divergence.mean > 0) {
    mean.x = {kl.divergence.mean};
    mean.y = {row};
    mean.error = {kl.divergence.error};
  }
  for (const double fraction : drawn_fractions) {
    const double value = KlResult::at(kl.divergence_percentiles, fraction);
    if (value <= 0) continue;
    percentiles.x << value;
    percentiles.y << row - percentile_offset;
  }
  chart.y.labels.emplace_back(row,
                              kl.divergence.mean > 0 ? run_label(run) : tr("%1 (0: the same)").arg(run_label(run)));
  for (ChartSeries& series : std::array{std::move(mean), std::move(percentiles)})
    if (!series.x.isEmpty()) chart.series.push_back(std::move(series));
}

/// All points with room beside them.
std::optional<std::pair<double, double>> range_of(const std::vector<ChartSeries>& series) {
  constexpr double room = 1.6;
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const ChartSeries& one : series) {
    for (const double x : one.x) {
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  if (high <= 0) return std::nullopt;
  return std::pair(low / room, high * room);
}

QString base_of(const KlOutcome& outcome) {
  return QString::fromStdString(outcome.task.base ? configuration_label(*outcome.task.base) : outcome.base);
}

/// "NF4: 0.061002 ± 0.001130 nats, same top token 91.20 ± 0.31 %".
QString sentence_of(const RunEntry& run) {
  const KlResult& kl = run.result->kl->result;
  if (kl.divergence.mean == 0) return tr("%1: the same").arg(run_label(run));
  return tr("%1: %2 nats, same top token %3 %")
      .arg(run_label(run), to_qt(divergence_text(kl.divergence)), to_qt(percent_text(kl.same_top)));
}

}  // namespace

ChartData divergence_chart(const std::vector<const RunEntry*>& runs) {
  ChartData chart;
  chart.name = QStringLiteral("divergence");
  QStringList sentences, left_out;
  const RunResult* of_first = nullptr;
  int shown = 0;
  for (const RunEntry* run : runs) {
    if (!run->has_result() || !run->result->kl || run->result->kl->result.scored == 0) continue;
    if (of_first == nullptr) of_first = run->result.get();
    const auto same = run->result.get() == of_first ? Result<void>() : check_divergences(*of_first, *run->result);
    if (!same) {
      left_out << tr("%1 is left out: %2").arg(run_label(*run), QString::fromStdString(same.error().message));
      continue;
    }
    add_run(*run, -shown++, chart);
    sentences << sentence_of(*run);
  }
  if (chart.series.empty()) return chart;
  const KlOutcome* first = &*of_first->kl;
  chart.x.range = range_of(chart.series);
  chart.series.push_back(legend_entry(tr("Mean ± standard error (upper)"), false));
  chart.series.push_back(legend_entry(tr("Median, 90 % and 99 % of positions (lower)"), true));
  chart.x.title = tr("KL divergence from %1 (nats per token)").arg(base_of(*first));
  chart.x.logarithmic = true;
  chart.y.title = tr("Configuration");
  chart.y.range = {-shown + 0.3, 0.8 + 0.16 * shown};  // room for the legend
  chart.summary = tr("Over %1 positions of %2 (%3). %4.")
                      .arg(first->result.scored)
                      .arg(QString::fromStdString(first->text_name), QString::fromStdString(first->task.protocol),
                           sentences.join(QStringLiteral("; ")));
  if (!left_out.isEmpty()) chart.summary += u' ' + left_out.join(u' ');
  return chart;
}

}  // namespace quantscope::ui
