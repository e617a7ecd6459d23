// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluate/dataset.h"
#include "core/evaluate/scorers.h"
#include "core/evaluate/speed.h"
#include "core/experiment/settings.h"

namespace quantscope {

/// `jsonl`: records of a question or a prompt each, see read_records().
enum class TaskKind : std::uint8_t { coqa, squad, jsonl, perplexity, kl, speed };
std::span<const TaskKind> all_tasks();
std::string_view task_name(TaskKind kind);
/// Whether questions are asked and answers scored.
bool is_question_task(TaskKind kind);
Result<TaskKind> parse_task(std::string_view name);

/// One evaluation. Fields that its kind does not use keep their defaults.
struct Task {
  TaskKind kind = TaskKind::coqa;
  std::string data;  ///< path of the dataset or text; "sample" = the bundled one
  Items items = Items::last;
  Sample sample;
  Scorer scorer = Scorer::lm_eval;               ///< which of the three is shown first; all are computed
  std::int64_t first_story = 0, last_story = 0;  ///< [first, last), last = 0: all
  std::string protocol;  ///< perplexity and kl: a name of perplexity_protocols(); questions: prompt_name()
  std::int64_t first_chunk = 0, last_chunk = 0;
  SpeedOptions speed;
  std::optional<Settings> base;  ///< kl: what is compared with; in a comparison its first configuration when empty
};

/// A run keeps one result of questions and one each of perplexity, kl and speed. Refuses tasks of which one would take
/// the place of another. Every run is checked, wherever its request comes from.
Result<void> check_tasks(std::span<const Task> tasks);

/// Everything that decides the numbers of one run. Immutable once running; JSON in and out.
struct RunRequest {
  static constexpr int schema_version = 1;
  std::string model;  ///< path, or "default"
  Settings settings;
  std::vector<Task> tasks;
};

/// Several configurations on the same tasks; the first is the baseline.
struct CompareRequest {
  std::string model;
  std::vector<Settings> configurations;
  std::vector<Task> tasks;

  std::vector<RunRequest> runs() const;
};

std::string to_json(const RunRequest& request);
/// Refuses unknown schema versions and names the field that is wrong.
Result<RunRequest> run_request_from_json(std::string_view json);

}  // namespace quantscope
