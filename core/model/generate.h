// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/model/decoder.h"

namespace quantscope {

struct GeneratedToken {
  std::int32_t id = 0;
  float margin = 0.0F;  ///< best minus second-best logit of the step that chose it
};

enum class StopReason : std::uint8_t { end_token, stopped_by_caller, max_tokens };

struct Generation {
  std::vector<GeneratedToken> tokens;  ///< the end token is not among them
  StopReason reason = StopReason::max_tokens;
};

/// Greedy continuation of a sequence whose last token has just been appended (decoder.top() is the first choice).
/// `keep_going(tokens)` is asked after each token; false ends the generation with that token kept.
Result<Generation> generate_greedy(Decoder& decoder, Decoder::Sequence& sequence, std::int64_t max_tokens,
                                   std::span<const std::int32_t> end_ids,
                                   const std::function<bool(std::span<const GeneratedToken>)>& keep_going = {});

}  // namespace quantscope
