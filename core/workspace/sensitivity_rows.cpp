// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/sensitivity_rows.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/workspace/text_list.h"

namespace quantscope {
namespace {

constexpr const char* row_columns =
    "name, layer, format, tensors, value_count, relative_error, sqnr_db, cosine, max_absolute_error, "
    "mean_absolute_error";
constexpr const char* figure_columns =
    "scored_tokens, kl_mean, kl_standard_error, same_top, same_top_standard_error, log_perplexity_ratio, "
    "log_perplexity_ratio_standard_error, perplexity, base_perplexity, seconds";

constexpr std::array<double QuantizationError::*, 5> error_figures = {
    &QuantizationError::relative_error, &QuantizationError::sqnr_db, &QuantizationError::cosine,
    &QuantizationError::max_absolute, &QuantizationError::mean_absolute};

Result<std::int64_t> note_measurement(Database& database, const SensitivityMeasurement& planned) {
  const std::string key = sensitivity_key(planned);
  const auto noted = database.run(
      "INSERT OR IGNORE INTO sensitivity_run (key, configuration, base, unit, quantized, protocol, data_name, "
      "data_hash, first_chunk, last_chunk, checkpoint, fingerprint, device, dispatch_level, program_version) VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
      std::array<SqlValue, 15>{key, planned.configuration, planned.base, sensitivity_name(planned.unit),
                               sensitivity_name(planned.mode), planned.protocol, planned.text_name, planned.text_hash,
                               planned.first_chunk, planned.last_chunk, planned.checkpoint, planned.fingerprint,
                               planned.device, planned.dispatch_level, planned.program_version});
  if (!noted) return tl::unexpected(noted.error());
  const auto id = database.integer("SELECT id FROM sensitivity_run WHERE key = ?1", std::array<SqlValue, 1>{key});
  if (!id) return tl::unexpected(id.error());
  return id->value_or(0);
}

Result<void> note_row(Database& database, std::int64_t measurement, const SensitivityRow& row) {
  const std::string tensors = text_of_list(row.tensors);
  const QuantizationError& error = row.error;
  return database.run(
      std::string("INSERT OR IGNORE INTO sensitivity (sensitivity_run_id, ") + row_columns +
          ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      std::array<SqlValue, 11>{measurement, row.name, row.layer, row.format, tensors, row.values, error.relative_error,
                               error.sqnr_db, error.cosine, error.max_absolute, error.mean_absolute});
}

std::optional<SensitivityFigures> figures_of(Row& row) {
  if (row.is_null()) return std::nullopt;
  SensitivityFigures figures;
  figures.scored = row.count();
  for (MeanEstimate* estimate : {&figures.divergence, &figures.same_top, &figures.log_ratio}) {
    estimate->mean = row.number();
    estimate->error = row.number();
    estimate->n = figures.scored;
  }
  figures.perplexity = row.number();
  figures.base_perplexity = row.number();
  figures.seconds = row.number();
  return figures;
}

SensitivityRow row_of(Row& row) {
  SensitivityRow result;
  result.name = row.text();
  result.layer = row.integer();
  result.format = row.text();
  result.tensors = list_of_text(row.text());
  result.values = row.count();
  for (const auto figure : error_figures) result.error.*figure = row.number();
  result.figures = figures_of(row);
  return result;
}

Result<std::vector<SensitivityRow>> read_rows(const Database& database, std::int64_t measurement) {
  std::vector<SensitivityRow> rows;
  const auto read = database.each(std::string("SELECT ") + row_columns + ", " + figure_columns +
                                      " FROM sensitivity WHERE sensitivity_run_id = ?1 "
                                      "ORDER BY relative_error * value_count DESC, name",
                                  std::array<SqlValue, 1>{measurement}, [&](Row& row) { rows.push_back(row_of(row)); });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

/// A measurement without its rows, and its id.
std::pair<std::int64_t, SensitivityMeasurement> head_of(Row& row) {
  const std::int64_t id = row.integer();
  SensitivityMeasurement head;
  head.configuration = row.text();
  head.base = row.text();
  head.unit = row.text() == sensitivity_name(SensitivityUnit::layer) ? SensitivityUnit::layer : SensitivityUnit::tensor;
  head.mode =
      row.text() == sensitivity_name(SensitivityMode::all_but) ? SensitivityMode::all_but : SensitivityMode::only;
  for (std::string* text : {&head.protocol, &head.text_name, &head.text_hash}) *text = row.text();
  head.first_chunk = row.count();
  head.last_chunk = row.count();
  for (std::string* text :
       {&head.checkpoint, &head.fingerprint, &head.device, &head.dispatch_level, &head.program_version})
    *text = row.text();
  return {id, std::move(head)};
}

}  // namespace

Result<std::int64_t> begin_sensitivity(Database& database, SensitivityMeasurement& planned) {
  auto id = note_measurement(database, planned);
  if (!id) return id;
  for (const SensitivityRow& row : planned.rows)
    if (auto noted = note_row(database, *id, row); !noted) return tl::unexpected(noted.error());
  const auto stored = read_rows(database, *id);
  if (!stored) return tl::unexpected(stored.error());
  for (SensitivityRow& row : planned.rows) {
    const auto found = std::ranges::find(*stored, row.name, &SensitivityRow::name);
    if (found != stored->end() && found->figures) row.figures = found->figures;
  }
  return id;
}

Result<void> write_sensitivity(Database& database, std::int64_t measurement, const SensitivityRow& row) {
  const SensitivityFigures& figures = *row.figures;
  return database.run(
      std::string("UPDATE sensitivity SET (") + figure_columns +
          ") = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) WHERE sensitivity_run_id = ?1 AND name = ?2",
      std::array<SqlValue, 12>{measurement, row.name, figures.scored, figures.divergence.mean, figures.divergence.error,
                               figures.same_top.mean, figures.same_top.error, figures.log_ratio.mean,
                               figures.log_ratio.error, figures.perplexity, figures.base_perplexity, figures.seconds});
}

Result<std::vector<SensitivityMeasurement>> read_sensitivities(const Database& database) {
  std::vector<std::pair<std::int64_t, SensitivityMeasurement>> heads;
  const auto read = database.each(
      "SELECT id, configuration, base, unit, quantized, protocol, data_name, data_hash, first_chunk, last_chunk, "
      "checkpoint, fingerprint, device, dispatch_level, program_version FROM sensitivity_run ORDER BY id",
      {}, [&](Row& row) { heads.push_back(head_of(row)); });
  if (!read) return tl::unexpected(read.error());
  std::vector<SensitivityMeasurement> measurements;
  for (auto& [id, head] : heads) {
    auto rows = read_rows(database, id);
    if (!rows) return tl::unexpected(rows.error());
    head.rows = std::move(*rows);
    measurements.push_back(std::move(head));
  }
  return measurements;
}

}  // namespace quantscope
