// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/workspace.h"

#include "core/workspace/run_rows.h"
#include "core/workspace/schema.h"
#include "core/workspace/sensitivity_rows.h"
#include "core/workspace/stored_run.h"

namespace quantscope {

Result<std::unique_ptr<Workspace>> Workspace::open(const std::filesystem::path& path, FileAccess access) {
  auto database = Database::open(path, access);
  if (!database) return tl::unexpected(database.error());
  if (auto prepared = prepare_schema(*database, access); !prepared) return tl::unexpected(prepared.error());
  return std::unique_ptr<Workspace>(new Workspace(std::move(*database)));
}

Result<void> Workspace::plan(std::span<const RunRequest> requests) {
  return database_.in_transaction([&]() -> Result<void> {
    for (const RunRequest& request : requests)
      if (auto id = note_request(database_, request); !id) return tl::unexpected(id.error());
    return {};
  });
}

Result<std::vector<RunRequest>> Workspace::unfinished() const {
  std::vector<std::string> documents;
  const auto read = database_.each(
      "SELECT document FROM request WHERE "
      "(SELECT state FROM run WHERE run.request_id = request.id ORDER BY run.id DESC LIMIT 1) IS NOT 'finished' "
      "ORDER BY id",
      {}, [&](Row& row) { documents.push_back(row.text()); });
  if (!read) return tl::unexpected(read.error());
  std::vector<RunRequest> requests;
  for (const std::string& document : documents) {
    auto request = run_request_from_json(document);
    if (!request) return tl::unexpected(request.error());
    requests.push_back(std::move(*request));
  }
  return requests;
}

Result<std::vector<RunResult>> Workspace::results() const {
  std::vector<std::int64_t> ids;
  const auto read =
      database_.each("SELECT id FROM run ORDER BY request_id, id", {}, [&](Row& row) { ids.push_back(row.integer()); });
  if (!read) return tl::unexpected(read.error());
  std::vector<RunResult> results;
  for (const std::int64_t id : ids) {
    auto result = read_run(database_, id);
    if (!result) return tl::unexpected(result.error());
    results.push_back(std::move(*result));
  }
  tell_models_apart(results);
  return results;
}

std::unique_ptr<RunStore> Workspace::store() { return std::make_unique<StoredRun>(database_); }

Result<std::int64_t> Workspace::begin(SensitivityMeasurement& planned) {
  std::int64_t measurement = 0;
  const auto begun = database_.in_transaction([&]() -> Result<void> {
    auto id = begin_sensitivity(database_, planned);
    if (!id) return tl::unexpected(id.error());
    measurement = *id;
    return {};
  });
  if (!begun) return tl::unexpected(begun.error());
  return measurement;
}

Result<void> Workspace::keep(std::int64_t measurement, const SensitivityRow& row) {
  return database_.in_transaction([&] { return write_sensitivity(database_, measurement, row); });
}

Result<std::vector<SensitivityMeasurement>> Workspace::sensitivities() const { return read_sensitivities(database_); }

Result<void> Workspace::add(const RunResult& run) {
  return database_.in_transaction([&] { return write_whole_run(database_, run); });
}

}  // namespace quantscope
