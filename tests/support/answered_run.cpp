// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/answered_run.h"

#include "tests/support/loaded_model.h"

namespace quantscope::testing {

RunResult answered_run(const std::string& configuration, int right, int total) {
  RunResult run;
  run.request.settings = value_of(parse_configuration(configuration));
  run.measured[MemoryTag::codes] = 1 << 20;
  run.measured[MemoryTag::scales] = 1 << 18;
  run.qa.emplace();
  run.qa->dataset_name = "questions";
  run.qa->dataset_hash = "same";
  run.qa->task.protocol = "coqa-lm-eval-3";
  for (int i = 0; i < total; ++i) {
    QaAnswer answer;
    answer.item = {static_cast<std::size_t>(i), 0};
    answer.scores.fill(i < right ? QaScore{1, 1} : QaScore{0, 0});
    run.qa->answers.push_back(answer);
  }
  return run;
}

}  // namespace quantscope::testing
