// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/decoder.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/progress.h"

namespace quantscope {

/// How a text is cut into windows and which positions are scored.
struct PerplexityProtocol {
  std::string_view name;
  std::int64_t window = 512;
  std::int64_t first_scored = 256;  ///< position whose prediction is the first one scored; see perplexity.cpp
};
/// `ppl-llama.cpp-512`: disjoint windows of 512, second half scored, 255 predictions each.
/// `ppl-gptq-2048`: disjoint windows of 2048, all 2047 predictions scored.
std::span<const PerplexityProtocol> perplexity_protocols();

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
  std::int64_t tokens = 0;      ///< of the whole text
  std::vector<PerplexityChunk> chunks;
};

/// Scores windows [first_chunk, last_chunk) of the text's ids (last_chunk = 0: all). Fails when the text has fewer
/// tokens than one window, and says how many it needs. BOS replaces the first id of each window if the tokenizer adds
/// one (llama.cpp).
Result<PerplexityResult> evaluate_perplexity(Decoder& decoder, const Tokenizer& tokenizer,
                                             std::span<const std::int32_t> ids, const PerplexityProtocol& protocol,
                                             std::int64_t first_chunk, std::int64_t last_chunk,
                                             const std::function<void(const PerplexityChunk&)>& on_chunk,
                                             const ProgressFn& progress, std::stop_token stop);

}  // namespace quantscope
