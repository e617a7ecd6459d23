// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/tokenizer/tokenizer.h"
#include "kernels/error.h"

/// How a text is cut into windows ("chunks") for perplexity and KL divergence.
namespace quantscope {

/// Which windows, and which of their positions are scored.
struct PerplexityProtocol {
  std::string_view name;
  std::int64_t window = 512;
  std::int64_t first_scored = 256;  ///< position in the window whose prediction (of the next token) is scored first
  bool begins_with_bos = true;      ///< BOS replaces each window's first id if the tokenizer adds one

  /// Predictions scored in each window.
  std::int64_t scored() const { return window - 1 - first_scored; }
};
/// `ppl-llama.cpp-512`: disjoint windows of 512; positions 256..510, which predict tokens 257..511, are scored: 255
/// predictions each. BOS at the front of each window. Source: llama.cpp, tools/perplexity/perplexity.cpp.
/// `ppl-gptq-2048`: disjoint windows of 2048, all 2047 predictions scored, BOS only where the text's ids have it.
/// Source: IST-DASLab/gptq, llama.py (llama_eval).
std::span<const PerplexityProtocol> perplexity_protocols();

/// Windows [first, last).
struct ChunkRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t count() const { return last - first; }
};

/// What is asked for of what a text of `tokens` ids has; last = 0: all. Tokens behind the last whole window are left
/// out. Fails when the text has fewer tokens than one window, and says how many it needs, or when nothing is left.
Result<ChunkRange> choose_chunks(std::int64_t tokens, const PerplexityProtocol& protocol, std::int64_t first,
                                 std::int64_t last);

/// The ids of one window as the model reads them.
std::vector<std::int32_t> window_ids(const Tokenizer& tokenizer, std::span<const std::int32_t> text_ids,
                                     const PerplexityProtocol& protocol, std::int64_t chunk);

}  // namespace quantscope
