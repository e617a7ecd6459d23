// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace quantscope {

/// The three ways to score a prediction against several references; always shown by name.
enum class Scorer : std::uint8_t {
  lm_eval,   ///< "lm-eval 3.0": references de-duplicated case-insensitively, then leave-one-out
  official,  ///< leave-one-out over all references (coqa-baselines evaluate-v1.0.py)
  max,       ///< plain best reference
};
std::string_view scorer_name(Scorer scorer);   ///< "lm-eval", "official", "max"
std::string_view scorer_label(Scorer scorer);  ///< "lm-eval 3.0", "official (leave-one-out)", "plain maximum"
std::optional<Scorer> parse_scorer(std::string_view name);

struct QaScore {
  double f1 = 0;  ///< 0..1
  double em = 0;  ///< 0..1
};

/// Lower-case (full Unicode), the 32 ASCII punctuation characters deleted, whole words a, an, the replaced by a space,
/// split at Unicode white space and joined by single spaces. Source: coqa-baselines, evaluate-v1.0.py
/// (normalize_answer). Ill-formed UTF-8 counts as U+FFFD.
std::string normalize_answer(std::string_view answer);
/// F1 of the normalized word multisets and exact match of the normalized text; when either has no words, both are 1
/// only if the other has none either. The prediction is scored as given (see first_answer_line). 0 without references.
QaScore score_answer(std::string_view prediction, std::span<const std::string> references, Scorer scorer);

}  // namespace quantscope
