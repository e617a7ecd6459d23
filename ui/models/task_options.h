// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

#include "core/experiment/run_request.h"

namespace quantscope::ui {

/// What each run is asked to do.
struct TaskOptions {
  bool questions = true;
  QString dataset = QStringLiteral("sample");  ///< path of a file of questions, or the bundled sample
  TaskKind layout = TaskKind::coqa;            ///< of that file: coqa, squad or jsonl
  Items items = Items::last;
  Sample sample;
  bool perplexity = false;
  QString text = QStringLiteral("sample");
  bool divergence = false;  ///< KL divergence on the same text
  bool speed = false;

  /// `base` is what KL divergences are measured from.
  std::vector<Task> tasks(const Settings& base) const;
  bool operator==(const TaskOptions&) const = default;
};

}  // namespace quantscope::ui
