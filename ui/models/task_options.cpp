// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/task_options.h"

namespace quantscope::ui {

std::vector<Task> TaskOptions::tasks(const Settings& base) const {
  std::vector<Task> list;
  if (questions) {
    Task task;
    task.kind = layout;
    task.scorer = layout == TaskKind::squad ? Scorer::max : Scorer::lm_eval;  // SQuAD's own takes the best reference
    task.data = dataset.toStdString();
    task.items = items;
    task.sample = sample;
    list.push_back(std::move(task));
  }
  if (perplexity) {
    Task task;
    task.kind = TaskKind::perplexity;
    task.data = text.toStdString();
    list.push_back(std::move(task));
  }
  if (divergence) {
    Task task;
    task.kind = TaskKind::kl;
    task.data = text.toStdString();
    task.base = base;
    list.push_back(std::move(task));
  }
  if (speed) {
    Task task;
    task.kind = TaskKind::speed;
    task.speed = {128, 32, 3};  // shorter than the protocol's: seconds, not minutes, on a CPU
    list.push_back(std::move(task));
  }
  return list;
}

}  // namespace quantscope::ui
