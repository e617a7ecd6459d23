// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/stored_work.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/evaluate/qa_prompt.h"

namespace quantscope {
namespace {

using ItemKey = std::pair<std::size_t, std::size_t>;

ItemKey key_of(const QaItem& item) { return {item.story, item.question}; }

/// Windows of the text that the task asks for.
std::int64_t asked_windows(const Task& task, const TaskData& data) {
  const std::int64_t end = task.last_chunk == 0 ? data.windows() : std::min(task.last_chunk, data.windows());
  return std::max(std::int64_t{0}, end - task.first_chunk);
}

QaOutcome qa_head(const Task& task, const QaDataset& dataset, std::int64_t asked) {
  QaOutcome outcome;
  outcome.task = task;
  outcome.task.protocol = prompt_name(dataset.prompt);
  outcome.dataset_name = dataset.name;
  outcome.dataset_hash = dataset.hash;
  outcome.notes = dataset.notes();
  outcome.asked = asked;
  return outcome;
}

PerplexityOutcome perplexity_head(const Task& task, const TaskData& data) {
  PerplexityOutcome outcome;
  outcome.task = task;
  outcome.task.protocol = data.protocol.name;
  outcome.text_name = data.text_name;
  outcome.text_hash = data.text_hash;
  outcome.result.tokens = static_cast<std::int64_t>(data.text_ids.size());
  outcome.asked = asked_windows(task, data);
  return outcome;
}

KlOutcome kl_head(const Task& task, const TaskData& data, const ResolvedKlBase& base) {
  KlOutcome outcome;
  outcome.task = task;
  outcome.task.protocol = data.protocol.name;
  outcome.text_name = data.text_name;
  outcome.text_hash = data.text_hash;
  outcome.base = configuration_text(base.settings);
  outcome.result.tokens = std::ssize(data.text_ids);
  outcome.asked = asked_windows(task, data);
  return outcome;
}

bool is_done(const Task& task, const RunResult& result, const TaskData& data) {
  if (is_question_task(task.kind)) return result.qa && unanswered(data.items, result.qa->answers).empty();
  if (task.kind == TaskKind::perplexity)
    return result.perplexity &&
           missing_chunks(task, data.windows(), chunk_indices(result.perplexity->result.chunks)).empty();
  if (task.kind == TaskKind::kl)
    return result.kl && missing_chunks(task, data.windows(), chunk_indices(result.kl->result.chunks)).empty();
  return task.kind == TaskKind::speed && result.speed;
}

}  // namespace

void begin_outcomes(RunResult& result, const TaskData& data) {
  for (const Task& task : result.request.tasks) {
    if (is_question_task(task.kind)) result.qa = qa_head(task, *data.dataset, std::ssize(data.items));
    if (task.kind == TaskKind::perplexity) result.perplexity = perplexity_head(task, data);
    if (task.kind == TaskKind::kl) result.kl = kl_head(task, data, *result.resolved.kl_base);
  }
}

void drop_empty_outcomes(RunResult& result) {
  if (result.qa && result.qa->answers.empty()) result.qa.reset();
  if (result.perplexity && result.perplexity->result.chunks.empty()) result.perplexity.reset();
  if (result.kl && result.kl->result.chunks.empty()) result.kl.reset();
}

std::vector<QaItem> unanswered(std::span<const QaItem> items, std::span<const QaAnswer> answers) {
  std::set<ItemKey> answered;
  for (const QaAnswer& answer : answers) answered.insert(key_of(answer.item));
  std::vector<QaItem> left;
  for (const QaItem& item : items)
    if (!answered.contains(key_of(item))) left.push_back(item);
  return left;
}

void sort_answers(std::vector<QaAnswer>& answers, std::span<const QaItem> items) {
  std::map<ItemKey, std::size_t> position;
  for (std::size_t i = 0; i < items.size(); ++i) position.emplace(key_of(items[i]), i);
  std::ranges::stable_sort(answers, {}, [&](const QaAnswer& answer) {
    const auto found = position.find(key_of(answer.item));
    return found == position.end() ? items.size() : found->second;
  });
}

std::vector<ChunkRange> missing_chunks(const Task& task, std::int64_t windows, const std::set<std::int64_t>& present) {
  if (present.empty()) return {{task.first_chunk, task.last_chunk}};
  const std::int64_t end = task.last_chunk == 0 ? windows : std::min(task.last_chunk, windows);
  std::vector<ChunkRange> ranges;
  for (std::int64_t index = task.first_chunk; index < end; ++index) {
    if (present.contains(index)) continue;
    if (ranges.empty() || ranges.back().last != index) ranges.push_back({index, index});
    ranges.back().last = index + 1;
  }
  return ranges;
}

bool is_load_stored(const RunResult& result) { return result.measured.total() > 0; }

bool is_complete(const RunResult& result, const TaskData& data) {
  return is_load_stored(result) &&
         std::ranges::all_of(result.request.tasks, [&](const Task& task) { return is_done(task, result, data); });
}

}  // namespace quantscope
