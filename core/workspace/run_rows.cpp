// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/run_rows.h"

#include <algorithm>
#include <array>

#include "core/experiment/stored_work.h"
#include "core/workspace/item_rows.h"
#include "core/workspace/kl_rows.h"
#include "core/workspace/result_key.h"
#include "core/workspace/text_list.h"
#include "kernels/formats/rules_version.h"

namespace quantscope {
namespace {

/// A run that is going on, or was when its process was killed, reads as stopped.
constexpr std::string_view running = "running";
RunState state_of(std::string_view name) { return parse_run_state(name).value_or(RunState::stopped); }

tl::unexpected<Error> damaged(const Database& database, const Error& reason) {
  return fail(ErrorCode::corrupt_file, database.path().string() + " holds a run that cannot be read: " + reason.message,
              database.path().string(), reason.detail);
}

Result<std::optional<std::int64_t>> find_run(const Database& database, const std::string& key) {
  return database.integer("SELECT id FROM run WHERE key = ?1", std::array<SqlValue, 1>{key});
}

Result<std::int64_t> insert_run(Database& database, const RunResult& planned, const std::string& key) {
  auto request = note_request(database, planned.request);
  if (!request) return request;
  const std::string configuration = run_name(planned);
  const Provenance& from = planned.provenance;
  const auto inserted = database.run(
      "INSERT INTO run (request_id, key, configuration, state, checkpoint, fingerprint, baseline_note, device, "
      "dispatch_level, threads, program_version, format_rules_version, imported_from, started, mapped_bytes, "
      "tokenizer) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
      std::array<SqlValue, 16>{*request, key, configuration, running, from.checkpoint, from.fingerprint,
                               from.baseline_note, from.device, from.dispatch_level, std::int64_t{from.threads},
                               from.program_version, std::int64_t{format_rules_version}, from.imported_from,
                               from.started, planned.mapped_bytes, from.tokenizer});
  if (!inserted) return tl::unexpected(inserted.error());
  return database.last_row_id();
}

Result<void> write_resolved(Database& database, std::int64_t run, const Resolved& resolved) {
  const std::string configuration = configuration_text(resolved.settings);
  const std::string reasons = text_of_list(resolved.reasons);
  auto written = database.run(
      "INSERT INTO resolved (run_id, configuration, summary, reasons, memory_warning, as_commonly_reported_bytes, "
      "quantized_values, bits_per_quantized_weight, bits_per_weight) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      std::array<SqlValue, 9>{run, configuration, resolved.summary, reasons, resolved.memory_warning,
                              resolved.as_commonly_reported, resolved.quantized_values,
                              resolved.bits_per_quantized_weight, resolved.bits_per_weight});
  for (std::size_t tag = 0; written && tag < memory_tag_count; ++tag)
    written = database.run(
        "INSERT INTO memory (run_id, tag, forecast_bytes) VALUES (?1, ?2, ?3)",
        std::array<SqlValue, 3>{run, memory_tag_name(static_cast<MemoryTag>(tag)), resolved.forecast.bytes[tag]});
  return written;
}

Result<void> write_measured(Database& database, std::int64_t run, const RunResult& result) {
  for (std::size_t tag = 0; tag < memory_tag_count; ++tag) {
    auto written = database.run(
        "UPDATE memory SET measured_bytes = ?3 WHERE run_id = ?1 AND tag = ?2",
        std::array<SqlValue, 3>{run, memory_tag_name(static_cast<MemoryTag>(tag)), result.measured.bytes[tag]});
    if (!written) return written;
  }
  return database.run(
      "UPDATE run SET load_seconds = ?2, peak_resident_bytes = ?3, peak_device_bytes = ?4 WHERE id = ?1",
      std::array<SqlValue, 4>{run, result.load_seconds, result.peak_resident_bytes, result.peak_device_bytes});
}

Result<void> write_tensor(Database& database, std::int64_t run, std::int64_t position, const TensorRecord& tensor) {
  const QuantizationError& error = tensor.error;
  return database.run("INSERT OR REPLACE INTO tensor VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                      std::array<SqlValue, 13>{run, position, tensor.name, tensor.format, tensor.rows, tensor.columns,
                                               tensor.bytes.codes, tensor.bytes.scales, error.relative_error,
                                               error.sqnr_db, error.cosine, error.max_absolute, error.mean_absolute});
}

Result<void> read_tensors(const Database& database, std::int64_t run, RunResult& result) {
  result.tensors.clear();
  return database.each(
      "SELECT name, format, row_count, column_count, codes_bytes, scales_bytes, relative_error, sqnr_db, cosine, "
      "max_absolute_error, mean_absolute_error FROM tensor WHERE run_id = ?1 ORDER BY position",
      std::array<SqlValue, 1>{run}, [&](Row& row) {
        TensorRecord& tensor = result.tensors.emplace_back();
        tensor.name = row.text();
        tensor.format = row.text();
        tensor.rows = row.count();
        tensor.columns = row.count();
        tensor.bytes.codes = row.count();
        tensor.bytes.scales = row.count();
        for (double* figure : {&tensor.error.relative_error, &tensor.error.sqnr_db, &tensor.error.cosine,
                               &tensor.error.max_absolute, &tensor.error.mean_absolute})
          *figure = row.number();
      });
}

Result<void> read_memory(const Database& database, std::int64_t run, RunResult& result) {
  return database.each("SELECT tag, forecast_bytes, measured_bytes FROM memory WHERE run_id = ?1",
                       std::array<SqlValue, 1>{run}, [&](Row& row) {
                         const std::string name = row.text();
                         for (std::size_t tag = 0; tag < memory_tag_count; ++tag) {
                           if (memory_tag_name(static_cast<MemoryTag>(tag)) != name) continue;
                           result.resolved.forecast.bytes[tag] = row.count();
                           result.measured.bytes[tag] = row.count();
                         }
                       });
}

Result<void> read_request(const Database& database, std::int64_t run, RunResult& result) {
  std::string document;
  auto read = database.each("SELECT document FROM request JOIN run ON request.id = run.request_id WHERE run.id = ?1",
                            std::array<SqlValue, 1>{run}, [&](Row& row) { document = row.text(); });
  if (!read) return read;
  auto request = run_request_from_json(document);
  if (!request) return damaged(database, request.error());
  result.request = std::move(*request);
  return {};
}

Result<void> read_resolved(const Database& database, std::int64_t run, Resolved& resolved) {
  std::string configuration;
  auto read = database.each(
      "SELECT configuration, summary, reasons, memory_warning, as_commonly_reported_bytes, quantized_values, "
      "bits_per_quantized_weight, bits_per_weight FROM resolved WHERE run_id = ?1",
      std::array<SqlValue, 1>{run}, [&](Row& row) {
        configuration = row.text();
        resolved.summary = row.text();
        resolved.reasons = list_of_text(row.text());
        resolved.memory_warning = row.text();
        resolved.as_commonly_reported = row.count();
        resolved.quantized_values = row.count();
        resolved.bits_per_quantized_weight = row.number();
        resolved.bits_per_weight = row.number();
      });
  if (!read) return read;
  auto settings = parse_configuration(configuration);
  if (!settings) return damaged(database, settings.error());
  resolved.settings = std::move(*settings);
  return {};
}

Result<void> read_provenance(const Database& database, std::int64_t run, RunResult& result) {
  return database.each(
      "SELECT state, error_message, error_where, checkpoint, fingerprint, baseline_note, device, dispatch_level, "
      "threads, program_version, imported_from, started, mapped_bytes, tokenizer FROM run WHERE id = ?1",
      std::array<SqlValue, 1>{run}, [&](Row& row) {
        result.state = state_of(row.text());
        const std::string message = row.text(), where = row.text();
        if (!message.empty()) result.error = Error{ErrorCode::internal, message, {}, where};
        Provenance& from = result.provenance;
        for (std::string* text :
             {&from.checkpoint, &from.fingerprint, &from.baseline_note, &from.device, &from.dispatch_level})
          *text = row.text();
        from.threads = static_cast<int>(row.count());
        from.program_version = row.text();
        from.imported_from = row.text();
        from.started = row.text();
        result.mapped_bytes = row.count();
        from.tokenizer = row.text();
      });
}

Result<void> write_kl(Database& database, std::int64_t run, const KlOutcome& kl) {
  const auto evaluation = note_seconds(database, run, TaskKind::kl, kl.seconds);
  if (!evaluation) return tl::unexpected(evaluation.error());
  auto written = note_base_seconds(database, *evaluation, kl.base_seconds);
  for (std::size_t i = 0; written && i < kl.result.chunks.size(); ++i)
    written = write_kl_chunk(database, *evaluation, kl.result.chunks[i]);
  return written;
}

Result<void> write_items(Database& database, std::int64_t run, const RunResult& result) {
  if (result.qa) {
    const auto evaluation = note_seconds(database, run, result.qa->task.kind, result.qa->seconds);
    if (!evaluation) return tl::unexpected(evaluation.error());
    for (const QaAnswer& answer : result.qa->answers)
      if (auto written = write_answer(database, *evaluation, answer); !written) return written;
  }
  if (result.perplexity) {
    const auto evaluation = note_seconds(database, run, TaskKind::perplexity, result.perplexity->seconds);
    if (!evaluation) return tl::unexpected(evaluation.error());
    for (const PerplexityChunk& chunk : result.perplexity->result.chunks)
      if (auto written = write_chunk(database, *evaluation, chunk); !written) return written;
  }
  if (result.kl)
    if (auto written = write_kl(database, run, *result.kl); !written) return written;
  return result.speed ? write_speed(database, run, *result.speed) : Result<void>();
}

}  // namespace

Result<std::int64_t> note_request(Database& database, const RunRequest& request) {
  const std::string document = to_json(request);
  const std::string configuration = configuration_text(request.settings);
  const auto noted = database.run("INSERT OR IGNORE INTO request (document, model, configuration) VALUES (?1, ?2, ?3)",
                                  std::array<SqlValue, 3>{document, request.model, configuration});
  if (!noted) return tl::unexpected(noted.error());
  const auto id = database.integer("SELECT id FROM request WHERE document = ?1", std::array<SqlValue, 1>{document});
  if (!id) return tl::unexpected(id.error());
  return id->value_or(0);
}

Result<std::int64_t> begin_run(Database& database, const RunResult& planned) {
  const std::string key = run_key(planned);
  const auto found = find_run(database, key);
  if (!found) return tl::unexpected(found.error());
  if (*found) {
    const auto going = database.run("UPDATE run SET state = ?2, error_message = '', error_where = '' WHERE id = ?1",
                                    std::array<SqlValue, 2>{**found, running});
    if (!going) return tl::unexpected(going.error());
    return **found;
  }
  auto run = insert_run(database, planned, key);
  if (!run) return run;
  if (auto written = write_resolved(database, *run, planned.resolved); !written) return tl::unexpected(written.error());
  if (auto written = write_evaluations(database, *run, planned); !written) return tl::unexpected(written.error());
  return run;
}

Result<void> write_loaded(Database& database, std::int64_t run, const RunResult& result) {
  auto written = write_measured(database, run, result);
  for (std::size_t i = 0; written && i < result.tensors.size(); ++i)
    written = write_tensor(database, run, static_cast<std::int64_t>(i), result.tensors[i]);
  return written;
}

Result<void> write_end(Database& database, std::int64_t run, const RunResult& result) {
  // Before the model was in place the peaks mean nothing, and would count as measured.
  if (result.load_seconds > 0)
    if (auto written = write_measured(database, run, result); !written) return written;
  const Error error = result.error.value_or(Error{});
  return database.run("UPDATE run SET state = ?2, error_message = ?3, error_where = ?4 WHERE id = ?1",
                      std::array<SqlValue, 4>{run, run_state_name(result.state), error.message, error.where});
}

Result<void> write_whole_run(Database& database, const RunResult& result) {
  const auto run = begin_run(database, result);
  if (!run) return tl::unexpected(run.error());
  auto written = write_loaded(database, *run, result);
  if (written) written = write_items(database, *run, result);
  return written ? write_end(database, *run, result) : written;
}

Result<void> read_progress(const Database& database, std::int64_t run, RunResult& result) {
  auto read = read_memory(database, run, result);
  if (read) read = read_tensors(database, run, result);
  if (!read) return read;
  const auto figures =
      database.each("SELECT load_seconds, peak_resident_bytes, peak_device_bytes, started FROM run WHERE id = ?1",
                    std::array<SqlValue, 1>{run}, [&](Row& row) {
                      result.load_seconds = row.number();
                      result.peak_resident_bytes = row.count();
                      result.peak_device_bytes = row.count();
                      result.provenance.started = row.text();
                    });
  return figures ? read_outcomes(database, run, result) : figures;
}

Result<RunResult> read_run(const Database& database, std::int64_t run) {
  RunResult result;
  auto read = read_request(database, run, result);
  if (read) read = read_resolved(database, run, result.resolved);
  if (read) read = read_provenance(database, run, result);
  if (read) read = read_progress(database, run, result);
  if (!read) return tl::unexpected(read.error());
  drop_empty_outcomes(result);
  return result;
}

}  // namespace quantscope
