// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/text_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quantscope {
namespace {

constexpr std::array<PerplexityProtocol, 2> protocols = {{
    {"ppl-llama.cpp-512", 512, 256, true},
    {"ppl-gptq-2048", 2048, 0, false},
}};

}  // namespace

std::span<const PerplexityProtocol> perplexity_protocols() { return protocols; }

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

std::vector<std::int32_t> window_ids(const Tokenizer& tokenizer, std::span<const std::int32_t> text_ids,
                                     const PerplexityProtocol& protocol, std::int64_t chunk) {
  const auto window =
      text_ids.subspan(static_cast<std::size_t>(chunk * protocol.window), static_cast<std::size_t>(protocol.window));
  std::vector<std::int32_t> ids(window.begin(), window.end());
  if (protocol.begins_with_bos && tokenizer.adds_bos() && tokenizer.bos_id()) ids.front() = *tokenizer.bos_id();
  return ids;
}

}  // namespace quantscope
