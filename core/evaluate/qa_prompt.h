// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/evaluate/answer_text.h"
#include "core/evaluate/dataset.h"

namespace quantscope {

/// The whole text before an answer.
///   dialogue         story, blank line, then for each earlier turn "Q: ...", blank line, "A: gold", blank line; the
///                    asked turn ends with "A:". Each earlier turn needs a reference. lm-evaluation-harness,
///                    tasks/coqa/utils.py.
///   squad            "Title: ...", "Background: ...", "Question: ...", "Answer:", with blank lines between.
///                    lm-evaluation-harness, tasks/squadv2/task.py.
///   single_question  as dialogue, but without the story's other questions; without a context only question and "A:".
///   completion       the record's own prompt.
std::string qa_prompt(const QaDataset& dataset, const QaItem& item);

/// The name and version that stand beside a score: coqa-lm-eval-3, squad-lm-eval-3, question-1, completion-1.
std::string_view prompt_name(QaPrompt prompt);

/// The protocol of answers whose prompts nobody knows.
inline constexpr std::string_view unknown_prompt = "unknown";

/// Where an answer to such a prompt ends.
AnswerEnd answer_end(QaPrompt prompt);

}  // namespace quantscope
