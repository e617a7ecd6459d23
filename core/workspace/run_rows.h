// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/run_result.h"
#include "core/workspace/database.h"

/// Rows of the tables request, run, resolved, memory and tensor. Functions that write expect to be in a transaction.
namespace quantscope {

/// The id of this request; it is noted if it is new.
Result<std::int64_t> note_request(Database& database, const RunRequest& request);

/// The id of the run with the key of `planned`, which is made if it is new; its state is now running, and it has an
/// evaluation for each task.
Result<std::int64_t> begin_run(Database& database, const RunResult& planned);

Result<void> write_loaded(Database& database, std::int64_t run, const RunResult& result);
Result<void> write_end(Database& database, std::int64_t run, const RunResult& result);
/// Everything of a result that is complete.
Result<void> write_whole_run(Database& database, const RunResult& result);

/// Adds to `result` what is stored of memory, tensors, speed and items.
Result<void> read_progress(const Database& database, std::int64_t run, RunResult& result);
/// The whole result; its plan is left empty.
Result<RunResult> read_run(const Database& database, std::int64_t run);

}  // namespace quantscope
