// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pre_tokenizer.h"

namespace quantscope {
namespace {

void add_prefix_spaces(std::vector<std::string_view>& pieces, TextArena& arena) {
  for (std::string_view& piece : pieces) {
    if (!piece.starts_with(' ')) piece = arena.emplace_back(" ").append(piece);
  }
}

}  // namespace

std::vector<std::string_view> PreTokenizer::split(std::string_view text, TextArena& arena) const {
  std::vector<std::string_view> pieces, next;
  if (!text.empty()) pieces.push_back(text);
  for (const Step& step : steps_) {
    if (const auto* splitter = std::get_if<RegexSplitter>(&step)) {
      next.clear();
      splitter->split(pieces, next);
      pieces.swap(next);
    } else {
      add_prefix_spaces(pieces, arena);
    }
  }
  return pieces;
}

}  // namespace quantscope
