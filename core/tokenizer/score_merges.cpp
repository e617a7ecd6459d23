// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/score_merges.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_set>

#include "core/input/utf8.h"

namespace quantscope {
namespace {

/// Bytes looked at to find the merges of all tokens; published vocabularies need less than a tenth.
constexpr std::size_t kMostWork = std::size_t{1} << 32U;

Result<void> check(std::span<const std::string> tokens, std::span<const float> scores) {
  const auto wrong = std::ranges::find_if(scores, [](float score) { return std::isnan(score); });
  if (wrong != scores.end()) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("The score of token {} is not a number; get the file again.", wrong - scores.begin()),
                "tokenizer.ggml.scores");
  }
  std::size_t work = 0;
  for (const std::string& token : tokens) {
    if (token.size() < 65536) work += token.size() * token.size();
    if (token.size() >= 65536 || work > kMostWork) {
      return fail(ErrorCode::unsupported, "The tokens of the GGUF vocabulary are too long.", "tokenizer.ggml.tokens");
    }
  }
  return {};
}

/// From a token's index to the rank of merges into it: 0 for the highest score.
std::vector<std::uint32_t> score_ranks(std::span<const float> scores, std::size_t tokens) {
  std::vector<std::uint32_t> ranks(tokens, 0);
  if (scores.size() != tokens) return ranks;
  std::vector<float> levels(scores.begin(), scores.end());
  std::ranges::sort(levels, std::greater<>{});
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  for (std::size_t i = 0; i < tokens; ++i) {
    const auto level = std::ranges::lower_bound(levels, scores[i], std::greater<>{});
    ranks[i] = static_cast<std::uint32_t>(level - levels.begin());
  }
  return ranks;
}

}  // namespace

Result<void> add_score_merges(std::span<const std::string> tokens, std::span<const float> scores, BpeSource& source) {
  if (const Result<void> checked = check(tokens, scores); !checked) return checked;
  const std::unordered_set<std::string_view> known(tokens.begin(), tokens.end());
  const std::vector<std::uint32_t> ranks = score_ranks(scores, tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view text = tokens[i];
    if (text.empty() || !is_utf8(text)) continue;
    for (std::size_t at = first_utf8_part(text).length; at < text.size();
         at += first_utf8_part(text.substr(at)).length) {
      const std::string_view left = text.substr(0, at), right = text.substr(at);
      if (!known.contains(left) || !known.contains(right)) continue;
      source.merges.emplace_back(left, right);
      source.ranks.push_back(ranks[i]);
    }
  }
  return {};
}

}  // namespace quantscope
