// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/exchange/imported_answers.h"

namespace quantscope {

/// The prediction file of the official CoQA script: a JSON list of {id, turn_id, answer}. It does not say with which
/// prompts the answers were made. Errors name the entry. Source: stanfordnlp/coqa-baselines, scripts/evaluate-v1.0.py.
Result<ImportedAnswers> parse_coqa_predictions(std::string_view bytes, const QaDataset& dataset, std::string_view file);

/// A run's answers in that form.
std::string coqa_predictions(const QaOutcome& outcome);

}  // namespace quantscope
