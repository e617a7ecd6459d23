// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/experiment/run_request.h"

namespace quantscope::cli {

/// "A:B" counts from zero and leaves B out; an empty text means everything, 0 and 0. `option` is named in a failure.
Result<std::pair<std::int64_t, std::int64_t>> parse_range(const std::string& text, const char* option);

/// What is evaluated, as options of `evaluate` and `compare`.
class TaskOptions {
 public:
  /// `several`: --task may be repeated.
  void add_to(CLI::App& command, bool several);
  /// The tasks asked for; CoQA on the bundled sample when none is.
  Result<std::vector<Task>> tasks() const;
  /// Tasks given elsewhere, on the data asked for.
  Result<std::vector<Task>> with_data(std::vector<Task> tasks) const;

 private:
  Result<Task> task(TaskKind kind) const;

  std::vector<std::string> names_;
  std::string data_, text_, items_, sample_ = "all", protocol_, scorer_, stories_, chunks_, base_;
  std::int64_t prompt_tokens_ = 512, generated_tokens_ = 64;
  int repetitions_ = 5;
};

}  // namespace quantscope::cli
