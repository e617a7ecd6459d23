// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/run_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/experiment/request_json.h"
#include "core/experiment/run_file_limits.h"
#include "core/input/bounded_json.h"

namespace quantscope {
namespace {
constexpr std::array<TaskKind, 6> task_kinds = {TaskKind::coqa,       TaskKind::squad, TaskKind::jsonl,
                                                TaskKind::perplexity, TaskKind::kl,    TaskKind::speed};
constexpr std::array<std::string_view, task_kinds.size()> task_names = {"coqa",       "squad", "jsonl",
                                                                        "perplexity", "kl",    "speed"};

/// Whether a run has one place for the results of both.
bool share_a_place(TaskKind a, TaskKind b) { return a == b || (is_question_task(a) && is_question_task(b)); }
}  // namespace

std::span<const TaskKind> all_tasks() { return task_kinds; }

std::string_view task_name(TaskKind kind) { return task_names[static_cast<std::size_t>(kind)]; }

bool is_question_task(TaskKind kind) {
  return kind == TaskKind::coqa || kind == TaskKind::squad || kind == TaskKind::jsonl;
}

Result<TaskKind> parse_task(std::string_view name) {
  const auto found = std::find(task_names.begin(), task_names.end(), name);
  if (found != task_names.end()) return static_cast<TaskKind>(found - task_names.begin());
  return fail(ErrorCode::invalid_argument,
              fmt::format("The task \"{}\" does not exist; there are {}.", name, fmt::join(task_names, ", ")), "task");
}

Result<void> check_tasks(std::span<const Task> tasks) {
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!share_a_place(tasks[i].kind, tasks[j].kind)) continue;
      return fail(ErrorCode::invalid_argument,
                  fmt::format("A run keeps one result {}, so {} and {} cannot be tasks of the same run; run them one "
                              "after the other. With --workspace FILE they stay in one study.",
                              is_question_task(tasks[i].kind) ? "of questions" : "of each task",
                              task_name(tasks[j].kind), task_name(tasks[i].kind)),
                  "task");
    }
  }
  return {};
}

std::vector<RunRequest> CompareRequest::runs() const {
  std::vector<RunRequest> requests;
  std::vector<Task> complete = tasks;
  for (Task& task : complete)
    if (task.kind == TaskKind::kl && !task.base) task.base = configurations.front();
  for (const Settings& settings : configurations) requests.push_back({model, settings, complete});
  return requests;
}

std::string to_json(const RunRequest& request) { return request_to_json(request).dump(2); }

Result<RunRequest> run_request_from_json(std::string_view text) {
  const auto json = parse_bounded_json(text, "This run request", request_limits);
  if (!json) return tl::unexpected(json.error());
  return request_from_json(*json);
}

}  // namespace quantscope
