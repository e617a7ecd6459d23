// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/evaluate/text_windows.h"
#include "core/model/decoder.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/progress.h"

namespace quantscope {

struct PerplexityChunk {
  std::int64_t index = 0;
  double nll_sum = 0;  ///< nats
  double nll_square_sum = 0;
  std::int64_t scored = 0;
};

struct PerplexityResult {
  double mean_nll = 0;
  double perplexity = 0;
  double perplexity_error = 0;  ///< perplexity * standard error of the mean NLL, tokens taken as independent
  std::int64_t scored = 0;
  std::int64_t tokens = 0;  ///< of the whole text
  std::vector<PerplexityChunk> chunks;
};

/// Sums of one window's negative log-likelihoods (nats).
PerplexityChunk summarize_chunk(std::int64_t index, std::span<const double> nlls);
/// The text's figures from its windows: error = perplexity * sqrt((E[x^2] - E[x]^2) / (N - 1)) over the N scored
/// tokens, as llama.cpp prints it.
PerplexityResult summarize_perplexity(std::vector<PerplexityChunk> chunks, std::int64_t tokens);

/// Scores windows [first_chunk, last_chunk) of the text's ids (last_chunk = 0: all). Fails when the text has fewer
/// tokens than one window, and says how many it needs. `ids` are those of the whole text, encoded once with the
/// tokenizer's own rule for special tokens; each window starts from an empty cache, so the decoder needs room for one.
/// Tokens behind the last whole window are left out. A stopped token reaches the backend too.
Result<PerplexityResult> evaluate_perplexity(Decoder& decoder, const Tokenizer& tokenizer,
                                             std::span<const std::int32_t> ids, const PerplexityProtocol& protocol,
                                             std::int64_t first_chunk, std::int64_t last_chunk,
                                             const std::function<void(const PerplexityChunk&)>& on_chunk,
                                             const ProgressFn& progress, std::stop_token stop);

}  // namespace quantscope
