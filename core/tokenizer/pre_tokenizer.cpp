// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pre_tokenizer.h"

#include <algorithm>

namespace quantscope {
namespace {

/// The pieces so far.
struct Pieces {
  std::vector<std::string_view> list;
  const char* start = nullptr;  ///< where the whole text begins; null if that lies elsewhere
  TextArena* arena = nullptr;
  const std::stop_token* stop = nullptr;

  bool begins_text(std::string_view piece) const { return start != nullptr && piece.data() == start; }
  /// Takes `made` in the place of `piece`.
  void replace(std::string_view& piece, std::string made) {
    const std::string_view kept = arena->emplace_back(std::move(made));
    if (begins_text(piece)) start = kept.data();
    piece = kept;
  }
};

void perform(const RegexSplitter& splitter, Pieces& pieces) {
  std::vector<std::string_view> cut;
  splitter.split(pieces.list, cut, *pieces.stop);
  pieces.list = std::move(cut);
}

void perform(const PrefixSpace&, Pieces& pieces) {
  for (std::string_view& piece : pieces.list) {
    if (pieces.stop->stop_requested()) return;
    if (!piece.starts_with(' ')) pieces.replace(piece, " " + std::string(piece));
  }
}

/// Cuts before each occurrence of `mark`.
void cut_before(std::string_view piece, std::string_view mark, std::vector<std::string_view>& cut,
                const std::stop_token& stop) {
  while (!piece.empty() && !stop.stop_requested()) {
    const std::size_t end = std::min(piece.find(mark, 1), piece.size());
    cut.push_back(piece.substr(0, end));
    piece.remove_prefix(end);
  }
}

void perform(const Metaspace& metaspace, Pieces& pieces) {
  const std::string& mark = metaspace.replacement;
  for (std::string_view& piece : pieces.list) {
    if (pieces.stop->stop_requested()) return;
    const bool wanted = metaspace.prepend == PrependScheme::always ||
                        (metaspace.prepend == PrependScheme::first && pieces.begins_text(piece));
    std::string spelled = TextPattern::literal(" ").replace(piece, mark, *pieces.stop);
    if (wanted && !spelled.starts_with(mark)) spelled.insert(0, mark);
    pieces.replace(piece, std::move(spelled));
  }
  if (!metaspace.split) return;
  std::vector<std::string_view> cut;
  for (const std::string_view piece : pieces.list) cut_before(piece, mark, cut, *pieces.stop);
  pieces.list = std::move(cut);
}

}  // namespace

void PreTokenizer::add(Step step) { steps_.push_back(std::move(step)); }

std::vector<std::string_view> PreTokenizer::split(std::string_view text, bool at_start, TextArena& arena,
                                                  const std::stop_token& stop) const {
  Pieces pieces{.list = {}, .start = at_start ? text.data() : nullptr, .arena = &arena, .stop = &stop};
  if (!text.empty()) pieces.list.push_back(text);
  for (const Step& step : steps_) {
    std::visit([&pieces](const auto& kind) { perform(kind, pieces); }, step);
  }
  return std::move(pieces.list);
}

}  // namespace quantscope
