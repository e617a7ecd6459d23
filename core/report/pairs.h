// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/experiment/run_result.h"

namespace quantscope {

/// What is compared: F1 (0..1) by question, or ln(PPL / base PPL) by window of the text.
enum class PairFigure : std::uint8_t { f1, perplexity };
std::string_view pair_figure_name(PairFigure figure);  ///< "f1", "ln_perplexity_ratio"
std::string_view pair_item_name(PairFigure figure);    ///< "questions", "windows"

/// One configuration against the baseline in one figure.
struct PairRow {
  std::string configuration;  ///< configuration_text
  std::string baseline;
  PairFigure figure = PairFigure::f1;
  Scorer scorer = Scorer::lm_eval;             ///< of F1
  std::optional<PairedComparison> comparison;  ///< empty when the runs cannot be paired; verdict then says why
  double p_holm = 1;                           ///< p adjusted over all configurations of this table in this figure
  /// "not resolved at n = 50" (of windows: "at n = 6 windows"; of a run that has not finished: "at n = 6 of 9"),
  /// "worse" or "better"; these only when the interval leaves out 0 and p is at most 0.05, and alone only when the
  /// corrected p is too.
  std::string verdict;

  /// Whether the difference can be told from chance among all comparisons of the table: the interval leaves out 0 and
  /// the corrected p is at most 0.05.
  bool resolved() const;
};

/// `others` against `base` in F1 by this scorer: one family of comparisons, a row for each, in order. A stop ends it
/// early, with no rows.
std::vector<PairRow> f1_pairs(const RunResult& base, std::span<const RunResult* const> others, Scorer scorer,
                              const std::stop_token& stop = {});

/// The same for ln(PPL / base PPL), of runs that have a perplexity and no KL divergence, in whose figures that ratio
/// is.
std::vector<PairRow> perplexity_pairs(const RunResult& base, std::span<const RunResult* const> others,
                                      const std::stop_token& stop = {});

/// Every run but the first against the first: in F1 where one of the two answered questions, in perplexity where both
/// have one. A run with a KL divergence has its ratio of perplexities from there, token by token, and no row here.
std::vector<PairRow> pair_rows(std::span<const RunResult> runs);

}  // namespace quantscope
