// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "core/experiment/run_result.h"
#include "core/workspace/database.h"

/// Rows of the tables evaluation, answer, chunk and speed. Functions that write expect to be in a transaction.
namespace quantscope {

/// Makes the evaluations of a run's tasks where they are missing.
Result<void> write_evaluations(Database& database, std::int64_t run, const RunResult& result);
/// Copies to this run what other runs of the same key have of the items that it asks and of its windows.
Result<void> take_over_items(Database& database, std::int64_t run, const RunResult& planned,
                             std::span<const QaItem> items);

/// Notes the time spent on a task; the id of its evaluation.
Result<std::int64_t> note_seconds(Database& database, std::int64_t run, TaskKind kind, double seconds);
/// An item that is there already, from another process, stays: both are equal.
Result<void> write_answer(Database& database, std::int64_t evaluation, const QaAnswer& answer);
Result<void> write_chunk(Database& database, std::int64_t evaluation, const PerplexityChunk& chunk);
Result<void> write_speed(Database& database, std::int64_t run, const SpeedResult& speed);

/// Gives `result` outcomes for the stored evaluations of its tasks, with all items in file order, and the speed.
Result<void> read_outcomes(const Database& database, std::int64_t run, RunResult& result);

}  // namespace quantscope
