// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <set>
#include <span>
#include <vector>

#include "core/evaluate/text_windows.h"
#include "core/experiment/run_result.h"
#include "core/experiment/task_data.h"

/// What of a run is there already, and what is left to do.
namespace quantscope {

/// Gives each task of the request an outcome that says what it is about and holds no items yet.
void begin_outcomes(RunResult& result, const TaskData& data);
/// Takes away the outcomes that hold no items.
void drop_empty_outcomes(RunResult& result);

/// The items without an answer, in their order.
std::vector<QaItem> unanswered(std::span<const QaItem> items, std::span<const QaAnswer> answers);
/// Puts answers into the order of the items, whatever order they came in; each item has at most one.
void sort_answers(std::vector<QaAnswer>& answers, std::span<const QaItem> items);

/// The indices of the windows that are there.
template <class Chunk>
std::set<std::int64_t> chunk_indices(const std::vector<Chunk>& chunks) {
  std::set<std::int64_t> indices;
  for (const Chunk& chunk : chunks) indices.insert(chunk.index);
  return indices;
}
/// The windows of the task that are not among `present`, as ranges in order; none when all are there. A text of
/// `windows` windows; without any present it is the range that the task asks for, unchecked.
std::vector<ChunkRange> missing_chunks(const Task& task, std::int64_t windows, const std::set<std::int64_t>& present);

/// Whether the model has been loaded and measured before.
bool is_load_stored(const RunResult& result);
/// Whether nothing of the request is left to do.
bool is_complete(const RunResult& result, const TaskData& data);

}  // namespace quantscope
