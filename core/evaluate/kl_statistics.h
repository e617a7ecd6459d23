// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/evaluate/statistics.h"
#include "kernels/backend.h"

namespace quantscope {

/// What the figures are, as results name it.
inline constexpr std::string_view kl_definition = "KL(base || quantized) in nats, all vocabulary entries";

/// One window of a comparison with a base. Sums run over its scored positions.
struct KlChunk {
  std::int64_t index = 0;
  std::int64_t scored = 0;
  double kl_sum = 0;        ///< nats
  double nll_sum = 0;       ///< nats
  double base_nll_sum = 0;  ///< nats
  double delta_p_square_sum = 0;
  std::int64_t same_top = 0;     ///< positions at which both have the same most probable token
  std::vector<HeadPair> tokens;  ///< per scored position; empty in results that were read from a file
};
KlChunk summarize_kl_chunk(std::int64_t index, std::vector<HeadPair> tokens);

/// 0 and 1 are minimum and maximum.
inline constexpr std::array<double, 13> kl_fractions = {0,    0.001, 0.01, 0.05, 0.1,   0.25, 0.5,
                                                        0.75, 0.9,   0.95, 0.99, 0.999, 1};
using KlPercentiles = std::array<double, kl_fractions.size()>;

/// Value and standard error.
struct ValueWithError {
  double value = 0;
  double error = 0;
};

/// The figures of llama-perplexity --kl-divergence, without its logits file. Errors are standard errors with tokens
/// taken as independent; those of differences and ratios are paired, token by token. Source: llama.cpp,
/// tools/perplexity/perplexity.cpp (kl_divergence).
struct KlResult {
  std::int64_t scored = 0;
  std::int64_t tokens = 0;  ///< of the whole text
  MeanEstimate divergence;  ///< nats
  KlPercentiles divergence_percentiles{};
  MeanEstimate same_top;  ///< share of positions, 0..1, with its binomial error
  /// p_quantized(next token) - p_base(next token), -1..1.
  MeanEstimate delta_p;
  KlPercentiles delta_p_percentiles{};
  ValueWithError rms_delta_p;  ///< root of the mean square
  MeanEstimate nll, base_nll;  ///< nats
  MeanEstimate log_ratio;      ///< ln(PPL / base PPL): mean of the paired differences of both NLLs
  double nll_correlation = 0;  ///< Pearson, of the two models' NLLs; 0 where one of them does not vary
  std::vector<KlChunk> chunks;

  ValueWithError perplexity() const;
  ValueWithError base_perplexity() const;
  ValueWithError perplexity_ratio() const;
  ValueWithError perplexity_difference() const;
  /// By linear interpolation; `fraction` must be one of kl_fractions.
  static double at(const KlPercentiles& percentiles, double fraction);
};

/// The figures of all tokens of the chunks, which must have them.
KlResult summarize_kl(std::vector<KlChunk> chunks, std::int64_t tokens);

/// Linear interpolation at fraction * (n - 1) of sorted values; 0 when there are none.
double percentile_of(std::span<const double> sorted, double fraction);

}  // namespace quantscope
