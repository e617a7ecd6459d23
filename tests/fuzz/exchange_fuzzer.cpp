// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/exchange/coqa_predictions.h"
#include "core/exchange/lm_eval_samples.h"

namespace {

using namespace quantscope;

const QaDataset& dataset() {
  static const QaDataset small = [] {
    QaDataset made;
    made.name = "small";
    made.stories = {{"one", "cnn", "", "Lily saw a cat.", {{1, "Who?", {"Lily"}}, {2, "What?", {"a cat"}}}}};
    return made;
  }();
  return small;
}

/// What was read leaves and comes back; anything else is a sentence.
void check(const Result<ImportedAnswers>& read) {
  if (!read) {
    if (read.error().message.empty()) __builtin_trap();
    return;
  }
  QaOutcome outcome;
  outcome.answers = read->answers;
  const auto written = lm_eval_samples(outcome, dataset());
  if (!written) __builtin_trap();
  const auto again = parse_lm_eval_samples(*written, dataset(), "again");
  if (!again || again->answers.size() != read->answers.size()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(parse_lm_eval_samples(bytes, dataset(), "fuzz.jsonl"));
  check(parse_coqa_predictions(bytes, dataset(), "fuzz.json"));
  return 0;
}
