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
std::string_view scorer_name(Scorer scorer);               ///< "lm-eval", "official", "max"
std::string_view scorer_label(Scorer scorer);              ///< "lm-eval 3.0", "official (leave-one-out)", "plain maximum"
std::optional<Scorer> parse_scorer(std::string_view name);

struct QaScore {
  double f1 = 0;  ///< 0..1
  double em = 0;  ///< 0..1
};

/// Lower-case (full Unicode), ASCII punctuation deleted, articles removed, white space collapsed.
std::string normalize_answer(std::string_view answer);
QaScore score_answer(std::string_view prediction, std::span<const std::string> references, Scorer scorer);

}  // namespace quantscope
