// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/exchange/imported_answers.h"

namespace quantscope {

/// The `samples_*.jsonl` that lm-evaluation-harness writes with --log_samples for its task coqa: one object a line with
/// `doc` {id, questions}, `arguments` (the prompt), `filtered_resps` or `resps`, and its own `f1` and `em`. The asked
/// question is the last of `doc.questions`. Answers are scored again; where the file's own scores differ a note says
/// how many. The protocol is the data set's own where every prompt in the file is the one this program would write.
/// Errors name the line. Source: lm-evaluation-harness, lm_eval/evaluator.py (log_samples), tasks/coqa/utils.py.
Result<ImportedAnswers> parse_lm_eval_samples(std::string_view bytes, const QaDataset& dataset, std::string_view file);

/// The same form of a run's answers to this data set; without lm-eval's hashes of texts, and without `arguments` where
/// the answers are not to this program's prompts. Fails with corrupt_file where an answer, which a file may have
/// brought, names a question that the data set does not have.
Result<std::string> lm_eval_samples(const QaOutcome& outcome, const QaDataset& dataset);

}  // namespace quantscope
