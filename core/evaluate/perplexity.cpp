// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/perplexity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace quantscope {
namespace {

constexpr std::array<PerplexityProtocol, 2> protocols = {{
    {"ppl-llama.cpp-512", 512, 256, true},
    {"ppl-gptq-2048", 2048, 0, false},
}};

/// The NLLs of one window from a cold start.
Result<std::vector<double>> score_window(Decoder& decoder, const Tokenizer& tokenizer,
                                         std::span<const std::int32_t> text_ids, const PerplexityProtocol& protocol) {
  std::vector<std::int32_t> ids(text_ids.begin(), text_ids.end());
  if (protocol.begins_with_bos && tokenizer.adds_bos() && tokenizer.bos_id()) ids.front() = *tokenizer.bos_id();
  Decoder::Sequence sequence = decoder.new_sequence();
  return decoder.append_nll(sequence, ids, protocol.first_scored);
}

struct ChunkRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

Result<ChunkRange> choose_chunks(std::int64_t tokens, const PerplexityProtocol& protocol, std::int64_t first,
                                 std::int64_t last) {
  const std::int64_t chunks = tokens / protocol.window;
  if (chunks == 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("The text has {} tokens and {} needs at least {}; choose a longer text.", tokens,
                            protocol.name, protocol.window));
  }
  const std::int64_t end = last == 0 ? chunks : std::min(last, chunks);
  if (first < 0 || first >= end) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("No windows are left: {} to {} were asked for and the text has {} of {} tokens.", first,
                            last == 0 ? chunks : last, chunks, protocol.window));
  }
  return ChunkRange{first, end};
}

}  // namespace

std::span<const PerplexityProtocol> perplexity_protocols() { return protocols; }

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
  const std::int64_t total = range->last - range->first;
  for (std::int64_t index = range->first; index < range->last; ++index) {
    if (stop.stop_requested()) return cancelled();
    if (progress) progress({"Perplexity", index - range->first, total, {}});
    const auto window =
        ids.subspan(static_cast<std::size_t>(index * protocol.window), static_cast<std::size_t>(protocol.window));
    const auto nlls = score_window(decoder, tokenizer, window, protocol);
    if (!nlls) return tl::unexpected(nlls.error());
    chunks.push_back(summarize_chunk(index, *nlls));
    if (on_chunk) on_chunk(chunks.back());
  }
  if (progress) progress({"Perplexity", total, total, {}});
  return summarize_perplexity(std::move(chunks), tokens);
}

}  // namespace quantscope
