// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/evaluate/answer_text.h"
#include "core/evaluate/dataset.h"
#include "core/evaluate/scorers.h"
#include "core/model/decoder.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/progress.h"

namespace quantscope {

/// One asked question.
struct QaAnswer {
  QaItem item;
  std::string story_id;
  std::string source;
  int turn = 0;
  std::string prediction;  ///< stripped, first line
  std::vector<std::string> references;
  std::array<QaScore, 3> scores;   ///< indexed by Scorer
  std::int64_t prompt_tokens = 0;  ///< of the whole prompt
  /// Of the prompt, not taken from another question's; over all answers they add up to the prompt tokens computed.
  std::int64_t computed_tokens = 0;
  std::int64_t generated_tokens = 0;
  bool cut_left = false;      ///< the prompt was longer than the context
  std::string stop;           ///< "newline" (also "\nQ:"), "end" (an end token), "length"
  float smallest_margin = 0;  ///< smallest top-2 logit margin of the generation's steps, the end token's too
};

struct QaOptions {
  std::int64_t max_tokens = 256;
  /// Longest prompt + answer; 0 = the model's trained context. The decoder's capacity caps it.
  std::int64_t context = 0;
  std::optional<AnswerEnd> answer_end;  ///< empty: that of the dataset's prompt
  /// Compute a story's dialogue once and decode its questions as branches of it, together with those of other stories.
  /// Without it each prompt is computed alone, one after the other; the answers are the same.
  bool share_prefixes = true;
  std::int64_t most_branches = 64;  ///< questions that are answered at the same time
};

/// Asks the items; the branch points of a story's questions come from comparing the ids of whole prompts, never from
/// tokenizing parts of the text. Answers come in the order of the items; `on_answer` gets each as soon as it is there.
/// Greedy; an answer ends where its rule says, at an end token of the model or the tokenizer, or after `max_tokens`.
/// Prompts longer than context - max_tokens lose tokens on the left. When stopped it returns `cancelled` (the token
/// reaches the backend too); what on_answer got stays valid.
Result<std::vector<QaAnswer>> evaluate_qa(Decoder& decoder, const Tokenizer& tokenizer, const QaDataset& dataset,
                                          std::span<const QaItem> items, const QaOptions& options,
                                          const std::function<void(const QaAnswer&)>& on_answer,
                                          const ProgressFn& progress, std::stop_token stop);

}  // namespace quantscope
