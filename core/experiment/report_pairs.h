// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/experiment/run_result.h"

namespace quantscope {

/// One configuration against the baseline.
struct PairRow {
  std::string configuration;  ///< configuration_text
  std::string baseline;
  Scorer scorer = Scorer::lm_eval;
  std::optional<PairedComparison> comparison;  ///< empty when the runs cannot be paired; verdict then says why
  double p_holm = 1;                           ///< p adjusted over all configurations of this table
  /// "not resolved at n = 50", "worse" or "better"; the last two alone only when the interval leaves out 0 and the
  /// corrected p is at most 0.05.
  std::string verdict;
};

/// Every run but the first against the first.
std::vector<PairRow> pair_rows(std::span<const RunResult> runs);

}  // namespace quantscope
