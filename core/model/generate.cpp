// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/generate.h"

#include <algorithm>

namespace quantscope {

Result<Generation> generate_greedy(Decoder& decoder, Decoder::Sequence& sequence, std::int64_t max_tokens,
                                   std::span<const std::int32_t> end_ids,
                                   const std::function<bool(std::span<const GeneratedToken>)>& keep_going) {
  Generation generation;
  for (std::int64_t i = 0; i < max_tokens; ++i) {
    const auto best = decoder.top();
    if (!best) return tl::unexpected(best.error());
    if (std::find(end_ids.begin(), end_ids.end(), best->id) != end_ids.end()) {
      generation.reason = StopReason::end_token;
      return generation;
    }
    generation.tokens.push_back({best->id, best->margin});
    if (keep_going && !keep_going(generation.tokens)) {
      generation.reason = StopReason::stopped_by_caller;
      return generation;
    }
    if (i + 1 == max_tokens) break;
    if (auto done = decoder.append(sequence, {&best->id, 1}); !done) return tl::unexpected(done.error());
  }
  return generation;
}

}  // namespace quantscope
