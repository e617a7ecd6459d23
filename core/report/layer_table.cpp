// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/layer_table.h"

#include "core/report/csv_table.h"

namespace quantscope {
namespace {

void put_row(CsvTable& table, const SensitivityRow& row) {
  table.text(row.name).integer(row.layer).text(row.format).integer(row.values);
  table.number(row.error.relative_error).number(row.error.sqnr_db).number(row.error.cosine);
  table.number(row.error.max_absolute).number(row.error.mean_absolute);
  if (!row.figures) {
    table.empty(10).end_row();
    return;
  }
  const SensitivityFigures& figures = *row.figures;
  table.number(figures.divergence.mean).number(figures.divergence.error);
  table.number(figures.same_top.mean).number(figures.same_top.error);
  table.number(figures.log_ratio.mean).number(figures.log_ratio.error);
  table.number(figures.perplexity).number(figures.base_perplexity);
  table.integer(figures.scored).number(figures.seconds).end_row();
}

}  // namespace

std::string layers_csv(std::span<const SensitivityMeasurement> measurements) {
  CsvTable table({"configuration",
                  "base",
                  "protocol",
                  "unit",
                  "quantized",
                  "name",
                  "layer",
                  "format",
                  "values",
                  "relative_error",
                  "sqnr_db",
                  "cosine",
                  "max_absolute_error",
                  "mean_absolute_error",
                  "kl_mean_nats",
                  "kl_error_nats",
                  "same_top",
                  "same_top_error",
                  "ln_perplexity_ratio",
                  "ln_perplexity_ratio_error",
                  "perplexity",
                  "base_perplexity",
                  "scored",
                  "seconds"});
  for (const SensitivityMeasurement& measurement : measurements) {
    for (const SensitivityRow& row : measurement.rows) {
      table.text(measurement.configuration).text(measurement.base).text(measurement.protocol);
      table.text(sensitivity_name(measurement.unit)).text(sensitivity_name(measurement.mode));
      put_row(table, row);
    }
  }
  return table.str();
}

}  // namespace quantscope
