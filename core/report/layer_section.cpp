// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/layer_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/report/figure_text.h"
#include "core/report/html_text.h"

namespace quantscope {
namespace {

constexpr std::size_t most_bars = 40;
constexpr int bar_height = 18, label_width = 340, bar_width = 360, value_width = 160;  // of the drawing, pixels

/// What a bar is as long as.
struct Bar {
  double value = 0, error = 0;
  std::string text;
};

bool has_figures(const SensitivityMeasurement& measurement) {
  return std::ranges::any_of(measurement.rows, [](const SensitivityRow& row) { return row.figures.has_value(); });
}

Bar bar_of(const SensitivityRow& row, bool figures) {
  if (!figures) return {row.error.relative_error, 0, fmt::format("{:.2f} %", 100 * row.error.relative_error)};
  if (!row.figures) return {0, 0, "not measured"};
  const MeanEstimate& kl = row.figures->divergence;
  return {kl.mean, kl.error, divergence_text(kl)};
}

/// A bar with its label before it, its error across its end and its figure behind.
std::string bar_svg(const std::string& label, const Bar& bar, double largest, int y) {
  const auto length = [&](double value) {
    return largest > 0 && std::isfinite(value) ? std::clamp(value / largest, 0.0, 1.0) * bar_width : 0.0;
  };
  std::string svg = fmt::format(
      "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" "
      "fill=\"#0072b2\"/>",
      label_width - 6, y + 13, escape_html(label), label_width, y + 3, length(bar.value), bar_height - 6);
  if (bar.error > 0)
    svg += fmt::format("<path d=\"M{:.1f} {}H{:.1f}\" stroke=\"currentColor\"/>",
                       label_width + length(bar.value - bar.error), y + bar_height / 2,
                       label_width + length(bar.value + bar.error));
  return svg +
         fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", label_width + bar_width + 8, y + 13, escape_html(bar.text));
}

std::string bar_chart(const SensitivityMeasurement& measurement, std::string_view title) {
  const bool figures = has_figures(measurement);
  const std::size_t shown = std::min(most_bars, measurement.rows.size());
  double largest = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    const Bar bar = bar_of(measurement.rows[i], figures);
    if (std::isfinite(bar.value + bar.error)) largest = std::max(largest, bar.value + bar.error);
  }
  std::string svg = fmt::format(
      "<figure>\n<svg role=\"img\" aria-label=\"{}\" width=\"{}\" height=\"{}\" font-size=\"12\" "
      "fill=\"currentColor\">\n",
      escape_html(title), label_width + bar_width + value_width, static_cast<int>(shown) * bar_height);
  for (std::size_t i = 0; i < shown; ++i)
    svg += bar_svg(measurement.rows[i].name, bar_of(measurement.rows[i], figures), largest,
                   static_cast<int>(i) * bar_height);
  return svg + fmt::format("</svg>\n<figcaption>{}</figcaption>\n</figure>\n", escape_html(title));
}

std::vector<std::string> cells(const SensitivityRow& row, bool figures) {
  std::vector<std::string> cells = {row.name, row.format, std::to_string(row.values),
                                    fmt::format("{:.3f}", 100 * row.error.relative_error),
                                    fmt::format("{:.2f}", row.error.sqnr_db)};
  if (!figures) return cells;
  if (!row.figures) {
    cells.insert(cells.end(), 4, "");
    return cells;
  }
  const SensitivityFigures& found = *row.figures;
  cells.push_back(divergence_text(found.divergence));
  cells.push_back(percent_text(found.same_top));
  cells.push_back(log_ratio_text(found.log_ratio));
  cells.push_back(fmt::format("{:.4f}", found.perplexity));
  return cells;
}

std::string table(const SensitivityMeasurement& measurement) {
  const bool figures = has_figures(measurement);
  std::vector<std::vector<std::string>> rows = {
      {std::string(sensitivity_name(measurement.unit)), "format", "weights", "relative error, %", "SQNR, dB"}};
  if (figures)
    rows.front().insert(rows.front().end(), {"KL divergence ± error, nats", "same top token, %",
                                             "ln(PPL / base PPL) ± error", "perplexity"});
  for (const SensitivityRow& row : measurement.rows) rows.push_back(cells(row, figures));
  return html_table(rows);
}

/// What was exchanged and on what it was measured.
std::string description(const SensitivityMeasurement& measurement) {
  const std::string_view unit = sensitivity_name(measurement.unit);
  const std::string what = measurement.mode == SensitivityMode::only
                               ? fmt::format("Each row is {} with that {} alone as {} stores it", measurement.base,
                                             unit, measurement.configuration)
                               : fmt::format("Each row is {} with that {} alone left as {} has it",
                                             measurement.configuration, unit, measurement.base);
  if (!has_figures(measurement)) return what + ". Only the errors of its codes were measured: no model was run.";
  const std::string windows = measurement.last_chunk == 0 ? "all windows"
                                                          : fmt::format("windows {} to {}", measurement.first_chunk,
                                                                        measurement.last_chunk - 1);
  return fmt::format("{}; the predictions are compared with those of {} on {} of {} (hash {}), protocol {}.", what,
                     measurement.base, windows, measurement.text_name, measurement.text_hash, measurement.protocol);
}

std::vector<std::string> caveats(const SensitivityMeasurement& measurement) {
  std::vector<std::string> sentences;
  if (has_figures(measurement))
    sentences = {
        "Effects of parts do not add up: quantizing two of them together may change more or less than the sum.",
        "Each error is that of its own row over the positions of this text; with so many rows some neighbours stand "
        "in this order by chance, and another text may order them otherwise."};
  else
    sentences = {
        "An error of codes says how far weights moved, not what the predictions lose: a large error in one part "
        "may matter less than a small one in another."};
  const auto missing = std::ranges::count_if(measurement.rows, [](const auto& row) { return !row.figures; });
  if (has_figures(measurement) && missing > 0)
    sentences.push_back(fmt::format("{} of {} rows have not been measured.", missing, measurement.rows.size()));
  if (measurement.rows.size() > most_bars)
    sentences.push_back(fmt::format("The chart has the first {} of {} rows.", most_bars, measurement.rows.size()));
  return sentences;
}

}  // namespace

std::string layer_section(const SensitivityMeasurement& measurement) {
  const std::string_view figure =
      has_figures(measurement) ? "KL divergence from the base, nats, with its error" : "Relative error of the codes";
  return html_heading(
             fmt::format("Sensitivity by {}: {}", sensitivity_name(measurement.unit), measurement.configuration)) +
         html_paragraph(description(measurement)) + bar_chart(measurement, figure) + html_list(caveats(measurement)) +
         table(measurement);
}

}  // namespace quantscope
