// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/schema.h"

#include <fmt/format.h>

#include <array>

namespace quantscope {
namespace {

/// Version 1. Names carry their units; see README.md for examples. `key` columns hold hashes of everything that decides
/// the numbers (result_key.h).
constexpr const char* first_tables = R"(
CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  document TEXT NOT NULL UNIQUE,
  model TEXT NOT NULL,
  configuration TEXT NOT NULL,
  added TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  request_id INTEGER NOT NULL REFERENCES request (id) ON DELETE CASCADE,
  key TEXT NOT NULL UNIQUE,
  configuration TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped', 'failed')),
  error_message TEXT NOT NULL DEFAULT '',
  error_where TEXT NOT NULL DEFAULT '',
  checkpoint TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  baseline_note TEXT NOT NULL,
  device TEXT NOT NULL,
  dispatch_level TEXT NOT NULL,
  threads INTEGER NOT NULL,
  program_version TEXT NOT NULL,
  format_rules_version INTEGER NOT NULL,
  imported_from TEXT NOT NULL,
  started TEXT NOT NULL,
  load_seconds REAL NOT NULL DEFAULT 0,
  mapped_bytes INTEGER NOT NULL DEFAULT 0,
  peak_resident_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_of_request ON run (request_id);
CREATE TABLE resolved (
  run_id INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  configuration TEXT NOT NULL,
  summary TEXT NOT NULL,
  reasons TEXT NOT NULL,
  memory_warning TEXT NOT NULL,
  as_commonly_reported_bytes INTEGER NOT NULL,
  quantized_values INTEGER NOT NULL,
  bits_per_quantized_weight REAL,
  bits_per_weight REAL
) STRICT;
CREATE TABLE memory (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  forecast_bytes INTEGER NOT NULL,
  measured_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE tensor (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  row_count INTEGER NOT NULL,
  column_count INTEGER NOT NULL,
  codes_bytes INTEGER NOT NULL,
  scales_bytes INTEGER NOT NULL,
  relative_error REAL,
  sqnr_db REAL,
  cosine REAL,
  max_absolute_error REAL,
  mean_absolute_error REAL,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE speed (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  figure TEXT NOT NULL,
  median REAL,
  minimum REAL,
  maximum REAL,
  PRIMARY KEY (run_id, figure)
) STRICT, WITHOUT ROWID;
CREATE TABLE evaluation (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  task TEXT NOT NULL,
  key TEXT NOT NULL,
  protocol TEXT NOT NULL,
  scorer TEXT NOT NULL,
  data_name TEXT NOT NULL,
  data_hash TEXT NOT NULL,
  notes TEXT NOT NULL,
  text_tokens INTEGER NOT NULL,
  seconds REAL NOT NULL DEFAULT 0,
  UNIQUE (run_id, task)
) STRICT;
CREATE INDEX evaluation_of_key ON evaluation (key);
CREATE TABLE answer (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
  story_index INTEGER NOT NULL,
  question_index INTEGER NOT NULL,
  story TEXT NOT NULL,
  source TEXT NOT NULL,
  turn INTEGER NOT NULL,
  prediction TEXT NOT NULL,
  reference_answers TEXT NOT NULL,
  f1_lm_eval REAL NOT NULL,
  em_lm_eval REAL NOT NULL,
  f1_official REAL NOT NULL,
  em_official REAL NOT NULL,
  f1_max REAL NOT NULL,
  em_max REAL NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  computed_tokens INTEGER NOT NULL,
  generated_tokens INTEGER NOT NULL,
  cut_left INTEGER NOT NULL,
  stop TEXT NOT NULL,
  smallest_margin REAL,
  PRIMARY KEY (evaluation_id, story_index, question_index)
) STRICT, WITHOUT ROWID;
CREATE TABLE chunk (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
  chunk_index INTEGER NOT NULL,
  nll_sum REAL,
  nll_square_sum REAL,
  scored_tokens INTEGER NOT NULL,
  PRIMARY KEY (evaluation_id, chunk_index)
) STRICT, WITHOUT ROWID;
)";

/// Version 2 keeps the windows of KL divergences. Runs of version 1 that measured one kept nothing of it: they count as
/// stopped, so that they are taken up again.
constexpr const char* kl_tables = R"(
ALTER TABLE evaluation ADD COLUMN base TEXT NOT NULL DEFAULT '';
ALTER TABLE evaluation ADD COLUMN base_seconds REAL NOT NULL DEFAULT 0;
CREATE TABLE kl_chunk (
  evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
  chunk_index INTEGER NOT NULL,
  scored_tokens INTEGER NOT NULL,
  kl_mean REAL,
  nll_sum REAL,
  base_nll_sum REAL,
  same_top_tokens INTEGER NOT NULL,
  tokens BLOB NOT NULL,
  PRIMARY KEY (evaluation_id, chunk_index)
) STRICT;
UPDATE run SET state = 'stopped' WHERE state = 'finished'
  AND request_id IN (SELECT id FROM request WHERE document LIKE '%"task": "kl"%');
)";

/// Version 3 keeps the rows of sensitivity measurements, and what the driver of a GPU counted.
constexpr const char* sensitivity_tables = R"(
ALTER TABLE run ADD COLUMN peak_device_bytes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sensitivity_run (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  configuration TEXT NOT NULL,
  base TEXT NOT NULL,
  unit TEXT NOT NULL CHECK (unit IN ('tensor', 'layer')),
  quantized TEXT NOT NULL CHECK (quantized IN ('only', 'all-but')),
  protocol TEXT NOT NULL,
  data_name TEXT NOT NULL,
  data_hash TEXT NOT NULL,
  first_chunk INTEGER NOT NULL,
  last_chunk INTEGER NOT NULL,
  checkpoint TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  device TEXT NOT NULL,
  dispatch_level TEXT NOT NULL,
  program_version TEXT NOT NULL,
  started TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE TABLE sensitivity (
  sensitivity_run_id INTEGER NOT NULL REFERENCES sensitivity_run (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  layer INTEGER NOT NULL,
  format TEXT NOT NULL,
  tensors TEXT NOT NULL,
  value_count INTEGER NOT NULL,
  relative_error REAL,
  sqnr_db REAL,
  cosine REAL,
  max_absolute_error REAL,
  mean_absolute_error REAL,
  scored_tokens INTEGER,
  kl_mean REAL,
  kl_standard_error REAL,
  same_top REAL,
  same_top_standard_error REAL,
  log_perplexity_ratio REAL,
  log_perplexity_ratio_standard_error REAL,
  perplexity REAL,
  base_perplexity REAL,
  seconds REAL,
  PRIMARY KEY (sensitivity_run_id, name)
) STRICT, WITHOUT ROWID;
)";

/// Version 4 tells whether runs may be paired: tokenizer_identity() ('' = not known), and how many questions or windows
/// a task asks for, answered or not (0 = not known).
constexpr const char* pairing_columns = R"(
ALTER TABLE run ADD COLUMN tokenizer TEXT NOT NULL DEFAULT '';
ALTER TABLE evaluation ADD COLUMN asked_count INTEGER NOT NULL DEFAULT 0;
)";

constexpr std::array<const char*, 4> steps_of_schema = {first_tables, kl_tables, sensitivity_tables, pairing_columns};

/// A transaction per item is durable when it returns; WAL lets others read and write meanwhile.
constexpr const char* write_pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

tl::unexpected<Error> refuse(const Database& database, ErrorCode code, std::string_view why) {
  return fail(code, fmt::format("{} {}.", database.path().string(), why), database.path().string());
}

Result<void> check_pages(const Database& database) {
  std::string answer;
  auto checked = database.each("PRAGMA quick_check(1)", {}, [&](Row& row) { answer = row.text(); });
  if (!checked) return checked;
  if (answer == "ok") return {};
  return fail(
      ErrorCode::corrupt_file,
      fmt::format("The workspace {} is damaged; restore a copy, or recover what is left with sqlite3's .recover.",
                  database.path().string()),
      database.path().string(), answer);
}

/// Values that are computed when they are read, or come from the schema, let a small file ask for any amount of memory.
/// No column of ours is computed, and the longest default is the time of day.
Result<void> check_columns(const Database& database) {
  const auto foreign = database.integer(
      "SELECT count(*) FROM sqlite_schema AS made, pragma_table_xinfo(made.name) AS its "
      "WHERE its.hidden IN (2, 3) OR length(its.dflt_value) > 100");
  if (!foreign) return tl::unexpected(foreign.error());
  if (foreign->value_or(0) == 0) return {};
  return refuse(database, ErrorCode::corrupt_file,
                "has columns that are computed or have long defaults, which no workspace has; choose another file");
}

struct SchemaState {
  std::int64_t application_id = 0;
  std::int64_t version = 0;
  std::int64_t objects = 0;  ///< tables, indexes, ...
};

Result<SchemaState> read_state(const Database& database) {
  SchemaState state;
  const auto read = [&](std::string_view query, std::int64_t& value) -> Result<void> {
    auto found = database.integer(query);
    if (!found) return tl::unexpected(found.error());
    value = found->value_or(0);
    return {};
  };
  auto done = read("PRAGMA application_id", state.application_id);
  if (done) done = read("PRAGMA user_version", state.version);
  if (done) done = read("SELECT count(*) FROM sqlite_schema", state.objects);
  if (!done) return tl::unexpected(done.error());
  return state;
}

bool is_empty(const SchemaState& state) {
  return state.application_id == 0 && state.version == 0 && state.objects == 0;
}

Result<void> check_state(const Database& database, const SchemaState& state, std::size_t newest) {
  if (is_empty(state)) return {};
  if (state.application_id != workspace_application_id)
    return refuse(database, ErrorCode::unsupported, "is an SQLite file of another program; choose another file");
  if (state.version > static_cast<std::int64_t>(newest))
    return refuse(database, ErrorCode::unsupported,
                  fmt::format("was written by a newer version of this program (schema {}; this one knows up to {}); "
                              "update the program",
                              state.version, newest));
  if (state.version < 1) return refuse(database, ErrorCode::corrupt_file, "has no valid schema version");
  return {};
}

/// Another process may have brought the file up to date since it was looked at, so the state is read again here.
Result<void> apply_steps(Database& database, std::span<const char* const> steps) {
  return database.in_transaction([&]() -> Result<void> {
    auto state = read_state(database);
    if (!state) return tl::unexpected(state.error());
    if (auto checked = check_state(database, *state, steps.size()); !checked) return checked;
    for (const char* step : steps.subspan(static_cast<std::size_t>(state->version)))
      if (auto done = database.script(step); !done) return done;
    return database.script(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", workspace_application_id, steps.size())
            .c_str());
  });
}

}  // namespace

std::span<const char* const> schema_steps() { return steps_of_schema; }

Result<void> prepare_schema(Database& database, FileAccess access, std::span<const char* const> steps) {
  auto state = read_state(database);
  if (!state) return tl::unexpected(state.error());
  if (auto checked = check_state(database, *state, steps.size()); !checked) return checked;
  if (auto checked = check_columns(database); !checked) return checked;
  if (auto checked = check_pages(database); !checked) return checked;
  const bool is_current = state->version == static_cast<std::int64_t>(steps.size());
  if (access == FileAccess::read) {
    if (is_current) return {};
    if (is_empty(*state)) return refuse(database, ErrorCode::corrupt_file, "is empty and not a workspace");
    return refuse(
        database, ErrorCode::unsupported,
        fmt::format("has the older schema {}; open it once for writing, which brings it up to date", state->version));
  }
  if (auto set = database.script(write_pragmas); !set) return set;
  if (!is_current)
    if (auto applied = apply_steps(database, steps); !applied) return applied;
  return database.script("PRAGMA foreign_keys = ON");
}

}  // namespace quantscope
