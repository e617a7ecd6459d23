// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "core/experiment/run_store.h"
#include "core/experiment/sensitivity.h"
#include "core/workspace/database.h"

namespace quantscope {

/// A study in one SQLite file (`.quantscope`): what was asked, what ran, and every finished item. Several processes may
/// use one file. Not for several threads at once.
class Workspace {
 public:
  /// Opens a workspace; with write access one that is missing is created. Refuses foreign, damaged and newer files.
  static Result<std::unique_ptr<Workspace>> open(const std::filesystem::path& path, FileAccess access);

  const std::filesystem::path& path() const { return database_.path(); }

  /// Notes what is going to be run, so that unfinished() knows of it before it starts. A request noted before stays
  /// where it is.
  Result<void> plan(std::span<const RunRequest> requests);
  /// Requests whose newest run has not finished, and those without any, in the order in which they were first planned.
  Result<std::vector<RunRequest>> unfinished() const;

  /// Every run with what is stored of it, in the order of their requests. A run that was killed counts as stopped.
  Result<std::vector<RunResult>> results() const;

  /// Keeps the next run; one for each run. The workspace must outlive it.
  std::unique_ptr<RunStore> store();
  /// Notes a sensitivity measurement and its rows, or takes it up again: rows get the figures that are stored of the
  /// same measurement (sensitivity_key()). The id is for keep().
  Result<std::int64_t> begin(SensitivityMeasurement& planned);
  /// Durable when it returns.
  Result<void> keep(std::int64_t measurement, const SensitivityRow& row);
  /// Every measurement, in the order in which they began.
  Result<std::vector<SensitivityMeasurement>> sensitivities() const;

  /// Stores a result that was made elsewhere, as a whole or not at all.
  Result<void> add(const RunResult& run);

 private:
  explicit Workspace(Database database) : database_(std::move(database)) {}

  Database database_;
};

}  // namespace quantscope
