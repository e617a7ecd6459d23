// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/published_table.h"

#include <fmt/format.h>

#include <limits>

#include "core/report/csv_table.h"
#include "core/report/figure_text.h"

namespace quantscope {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;

/// Settings of where it runs are no part of what is compared.
std::string plain_name(const RunResult& run) {
  Settings settings = run.request.settings;
  const Settings defaults;
  settings.device = defaults.device;
  settings.threads = defaults.threads;
  settings.simd = defaults.simd;
  return configuration_text(settings);
}

const RunResult* find_run(std::span<const RunResult> runs, const std::string& configuration) {
  for (const RunResult& run : runs)
    if (run.provenance.imported_from.empty() && plain_name(run) == configuration) return &run;
  return nullptr;
}

std::string score(const std::optional<double>& mean, const std::optional<double>& error) {
  if (!mean) return {};
  return error ? percent_text(ValueWithError{*mean, *error}) : percent_text(*mean);
}

std::vector<std::string> own_cells(const RunResult* run) {
  if (run == nullptr) return {"", "", "", ""};
  std::vector<std::string> cells = {"", "", ""};
  if (run->qa && !run->qa->answers.empty()) {
    const MeanEstimate f1 = run->qa->f1(run->qa->task.scorer), em = run->qa->em(run->qa->task.scorer);
    cells = {std::to_string(f1.n), percent_text(f1), percent_text(em)};
  }
  cells.push_back(fmt::format("{:.2f}", static_cast<double>(run->measured.weights()) / mebibyte));
  return cells;
}

double number_or_nan(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

void put_own(CsvTable& table, const std::string& configuration, const RunResult& run) {
  table.text(configuration).text("yours").text(run.provenance.device);
  if (run.qa && !run.qa->answers.empty()) {
    const MeanEstimate f1 = run.qa->f1(run.qa->task.scorer), em = run.qa->em(run.qa->task.scorer);
    table.integer(f1.n).number(f1.mean).number(f1.error).number(em.mean).number(em.error);
  } else {
    table.empty(5);
  }
  table.number(static_cast<double>(run.measured.weights()) / mebibyte).text("").end_row();
}

}  // namespace

std::vector<std::vector<std::string>> published_table(const Preset& preset, std::span<const RunResult> runs) {
  std::vector<std::vector<std::string>> rows = {{"configuration", "published on", "n", "F1 %", "EM %", "weights MiB",
                                                 "your n", "your F1 %", "your EM %", "your weights MiB", "note"}};
  for (const PublishedRow& row : preset.published) {
    std::vector<std::string> cells = {row.configuration,
                                      row.hardware,
                                      row.n ? std::to_string(*row.n) : "",
                                      score(row.f1, row.f1_error),
                                      score(row.em, row.em_error),
                                      row.weights_mib ? fmt::format("{:.2f}", *row.weights_mib) : ""};
    for (std::string& cell : own_cells(find_run(runs, row.configuration))) cells.push_back(std::move(cell));
    cells.push_back(row.note);
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::string published_csv(const Preset& preset, std::span<const RunResult> runs) {
  CsvTable table({"configuration", "origin", "hardware", "n", "f1_0_to_1", "f1_standard_error", "em_0_to_1",
                  "em_standard_error", "weights_mib", "note"});
  for (const PublishedRow& row : preset.published) {
    table.text(row.configuration).text("published").text(row.hardware);
    if (row.n)
      table.integer(*row.n);
    else
      table.empty();
    for (const auto& figure : {row.f1, row.f1_error, row.em, row.em_error, row.weights_mib})
      table.number(number_or_nan(figure));
    table.text(row.note).end_row();
  }
  for (const std::string& configuration : preset.configurations)
    if (const RunResult* run = find_run(runs, configuration)) put_own(table, configuration, *run);
  return table.str();
}

}  // namespace quantscope
