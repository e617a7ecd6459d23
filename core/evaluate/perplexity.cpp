// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/perplexity.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quantscope {
PerplexityChunk summarize_chunk(std::int64_t index, std::span<const double> nlls) {
  PerplexityChunk chunk{index, 0, 0, static_cast<std::int64_t>(nlls.size())};
  for (const double nll : nlls) {
    chunk.nll_sum += nll;
    chunk.nll_square_sum += nll * nll;
  }
  return chunk;
}

PerplexityResult summarize_perplexity(std::vector<PerplexityChunk> chunks, std::int64_t tokens) {
  PerplexityResult result;
  double sum = 0, square_sum = 0;
  for (const PerplexityChunk& chunk : chunks) {
    sum += chunk.nll_sum;
    square_sum += chunk.nll_square_sum;
    result.scored += chunk.scored;
  }
  result.tokens = tokens;
  result.chunks = std::move(chunks);
  if (result.scored == 0) return result;
  const auto n = static_cast<double>(result.scored);
  result.mean_nll = sum / n;
  result.perplexity = std::exp(result.mean_nll);
  const double variance = std::max(0.0, square_sum / n - result.mean_nll * result.mean_nll);
  if (result.scored > 1) result.perplexity_error = result.perplexity * std::sqrt(variance / (n - 1));
  return result;
}

Result<PerplexityResult> evaluate_perplexity(Decoder& decoder, const Tokenizer& tokenizer,
                                             std::span<const std::int32_t> ids, const PerplexityProtocol& protocol,
                                             std::int64_t first_chunk, std::int64_t last_chunk,
                                             const std::function<void(const PerplexityChunk&)>& on_chunk,
                                             const ProgressFn& progress, std::stop_token stop) {
  const auto tokens = static_cast<std::int64_t>(ids.size());
  const auto range = choose_chunks(tokens, protocol, first_chunk, last_chunk);
  if (!range) return tl::unexpected(range.error());
  if (stop.stop_possible()) decoder.model().backend().set_stop_token(stop);
  std::vector<PerplexityChunk> chunks;
  const std::int64_t total = range->count();
  for (std::int64_t index = range->first; index < range->last; ++index) {
    if (stop.stop_requested()) return cancelled();
    if (progress) progress({"Perplexity", index - range->first, total, {}});
    Decoder::Sequence sequence = decoder.new_sequence();
    const auto nlls = decoder.append_nll(sequence, window_ids(tokenizer, ids, protocol, index), protocol.first_scored);
    if (!nlls) return tl::unexpected(nlls.error());
    chunks.push_back(summarize_chunk(index, *nlls));
    if (on_chunk) on_chunk(chunks.back());
  }
  if (progress) progress({"Perplexity", total, total, {}});
  return summarize_perplexity(std::move(chunks), tokens);
}

}  // namespace quantscope
