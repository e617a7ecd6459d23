// SPDX-License-Identifier: GPL-3.0-or-later
#include <QCoreApplication>
#include <algorithm>

#include "ui/charts/result_charts.h"
#include "ui/models/format.h"
#include "ui/models/run_style.h"

namespace quantscope::ui {
namespace {

constexpr double mib = 1024.0 * 1024.0;
constexpr double half_gap = 0.19;  // forecast and measurement stand one above the other

QString tr(const char* text) { return QCoreApplication::translate("MemoryChart", text); }

std::vector<const RunEntry*> with_memory(const std::vector<const RunEntry*>& runs) {
  std::vector<const RunEntry*> known;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(known),
               [](const RunEntry* run) { return run->resolved.has_value() && memory_of(*run) != nullptr; });
  return known;
}

const MemoryRows* measured(const RunEntry& run) {
  return run.result != nullptr && run.result->measured.weights() > 0 ? &run.result->measured : nullptr;
}

ChartSeries part(MemoryTag tag, bool is_forecast, double offset, const std::vector<const RunEntry*>& runs) {
  ChartSeries series;
  series.name = memory_label(tag);
  if (is_forecast) series.name += u' ' + tr("(forecast)");
  series.shape = SeriesShape::horizontal_bars;
  series.color = part_color(static_cast<std::size_t>(tag));
  series.stack = is_forecast ? 1 : 0;
  series.faded = is_forecast;
  series.in_legend = !is_forecast;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const MemoryRows* rows = is_forecast ? &runs[i]->resolved->forecast : measured(*runs[i]);
    series.x << (rows == nullptr ? 0.0 : static_cast<double>((*rows)[tag]) / mib);
    series.y << -static_cast<double>(i) + offset;
  }
  return series;
}

ChartSeries reported_marks(const std::vector<const RunEntry*>& runs) {
  ChartSeries series;
  series.name = tr("weights as commonly reported");
  series.shape = SeriesShape::points;
  series.marker = Marker::diamond;
  series.color = QColor(0x80, 0x80, 0x80);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    series.x << static_cast<double>(runs[i]->resolved->as_commonly_reported) / mib;
    series.y << -static_cast<double>(i);
  }
  return series;
}

/// Nothing to see in the chart itself; says in the legend what full and pale bars are.
ChartSeries key(bool is_forecast) {
  ChartSeries series;
  series.name = is_forecast ? tr("pale: forecast") : tr("solid: measured");
  series.shape = SeriesShape::horizontal_bars;
  series.color = QColor(0x80, 0x80, 0x80);
  series.stack = is_forecast ? 1 : 0;
  series.faded = is_forecast;
  series.x = {0.0};
  series.y = {is_forecast ? -half_gap : half_gap};
  return series;
}

/// Sizes of the first run's model only: what another model takes says nothing about a format.
QString summary(std::vector<const RunEntry*> runs) {
  std::erase_if(runs, [model = runs.front()->model_label](const RunEntry* run) { return run->model_label != model; });
  const auto weights = [](const RunEntry* run) { return memory_of(*run)->weights(); };
  const auto [smallest, largest] = std::minmax_element(
      runs.begin(), runs.end(), [&](const RunEntry* a, const RunEntry* b) { return weights(a) < weights(b); });
  const QString first = tr("%1 keeps the weights in %2 MiB").arg(run_label(**smallest), format_mib(weights(*smallest)));
  if (weights(*smallest) == weights(*largest)) return first + u'.';
  return first + u' ' +
         tr("and %1 in %2 MiB: a factor of %3.")
             .arg(run_label(**largest), format_mib(weights(*largest)))
             .arg(static_cast<double>(weights(*largest)) / static_cast<double>(weights(*smallest)), 0, 'f', 2);
}

}  // namespace

ChartData memory_chart(const std::vector<const RunEntry*>& all_runs) {
  ChartData chart;
  chart.name = QStringLiteral("memory");
  const std::vector<const RunEntry*> runs = with_memory(all_runs);
  if (runs.empty()) return chart;
  const bool any_measured = std::any_of(runs.begin(), runs.end(), [](const RunEntry* run) { return measured(*run); });
  double longest = 0;
  for (std::size_t i = 0; i < memory_tag_count; ++i) {
    const auto tag = static_cast<MemoryTag>(i);
    ChartSeries forecast = part(tag, true, any_measured ? -half_gap : 0.0, runs);
    ChartSeries taken = part(tag, false, half_gap, runs);
    const auto used = [](const ChartSeries& series) { return *std::max_element(series.x.begin(), series.x.end()) > 0; };
    if (!used(forecast) && !used(taken)) continue;
    forecast.in_legend = !any_measured;
    if (any_measured) chart.series.push_back(std::move(taken));
    chart.series.push_back(std::move(forecast));
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    chart.y.labels.emplace_back(-static_cast<double>(i), run_label(*runs[i]));
    longest = std::max(
        longest, static_cast<double>(std::max(runs[i]->resolved->forecast.total(), memory_of(*runs[i])->total())));
  }
  if (any_measured)
    for (const bool is_forecast : {false, true}) chart.series.push_back(key(is_forecast));
  chart.series.push_back(reported_marks(runs));
  chart.x.title = tr("Memory (MiB)");
  chart.x.range = {0.0, longest / mib * 1.5};  // room for the legend
  chart.y.title = tr("Configuration");
  chart.y.range = {-static_cast<double>(runs.size()) + 0.4, 0.6};
  chart.summary =
      summary(runs) + u' ' +
      (any_measured ? tr("Solid bars are measured, pale ones below are the forecast.") : tr("All bars are forecasts."));
  return chart;
}

}  // namespace quantscope::ui
