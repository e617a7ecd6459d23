// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/bpe_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/input/utf8.h"
#include "core/tokenizer/byte_level.h"

namespace quantscope {
namespace {

using Scratch = BpeModel::Scratch;

/// SentencePiece's sign for a space.
constexpr std::string_view kSpaceMark = "\u2581";

/// Words with more bytes go through the heap.
constexpr std::size_t kShortWord = 64;

void link_symbols(Scratch& scratch, const std::stop_token& stop) {
  scratch.symbols.clear();
  scratch.symbols.reserve(scratch.ids.size());
  std::uint32_t position = 0;
  for (const std::int32_t id : scratch.ids) {
    if (stop.stop_requested()) return;
    scratch.symbols.push_back({id, position - 1, position + 1});
    ++position;
  }
}

void collect_symbols(Scratch& scratch) {
  scratch.ids.clear();
  for (const Scratch::Symbol& symbol : scratch.symbols) {
    if (symbol.id >= 0) scratch.ids.push_back(symbol.id);
  }
}

}  // namespace

Result<BpeModel> BpeModel::build(const BpeSource& source) {
  BpeModel model;
  model.alphabet_ = source.alphabet;
  model.unknown_id_ = source.unknown_id;
  model.fuse_unknown_ = source.fuse_unknown;
  model.byte_ids_.fill(-1);
  model.fallback_ids_.fill(-1);
  model.add_words(source);
  if (source.byte_fallback) model.add_fallback(source);
  if (const Result<void> added = model.add_merges(source); !added) return tl::unexpected(added.error());
  model.cuts_before_space_ = model.can_cut(source);
  return model;
}

void BpeModel::add_words(const BpeSource& source) {
  for (const auto& [text, id] : source.vocabulary) {
    if (alphabet_ == BpeAlphabet::characters) {
      add_character(text, id);
      if (source.ignore_merges) whole_words_.emplace(text, id);
      continue;
    }
    std::optional<std::string> bytes = bytes_from_byte_level(text);
    if (!bytes || bytes->empty()) continue;
    if (bytes->size() == 1) byte_ids_[static_cast<unsigned char>(bytes->front())] = id;
    if (source.ignore_merges) whole_words_.emplace(std::move(*bytes), id);
  }
}

void BpeModel::add_character(std::string_view text, std::int32_t id) {
  if (text.empty()) return;
  const Utf8Part first = first_utf8_part(text);
  if (!first.valid || first.length != text.size()) return;
  if (text.size() == 1) {
    byte_ids_[static_cast<unsigned char>(text.front())] = id;
  } else {
    character_ids_.insert_or_assign(code_point(text), id);
  }
}

void BpeModel::add_fallback(const BpeSource& source) {
  for (const auto& [text, id] : source.vocabulary) {
    if (const std::optional<unsigned char> byte = byte_of_token(text)) fallback_ids_[*byte] = id;
  }
}

/// Where no merge puts "▁" behind something else, such a place stays a border between tokens.
bool BpeModel::can_cut(const BpeSource& source) const {
  if (alphabet_ != BpeAlphabet::characters || source.ignore_merges || character_id(kSpaceMark) < 0) return false;
  return std::ranges::none_of(source.merges, [](const auto& merge) {
    return merge.second.starts_with(kSpaceMark) && !merge.first.ends_with(kSpaceMark);
  });
}

Result<void> BpeModel::add_merges(const BpeSource& source) {
  const std::unordered_map<std::string_view, std::int32_t> ids(source.vocabulary.begin(), source.vocabulary.end());
  merges_ = MergeTable(source.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < source.merges.size(); ++rank) {
    const auto& [left, right] = source.merges[rank];
    joined.assign(left).append(right);
    for (const std::string_view token : {left, right, std::string_view(joined)}) {
      if (ids.contains(token)) continue;
      return fail(ErrorCode::corrupt_file,
                  fmt::format("Merge {} (\"{}\" with \"{}\") needs the token \"{}\", which the "
                              "vocabulary lacks; get the tokenizer's files again.",
                              rank, left.substr(0, 80), right.substr(0, 80), token.substr(0, 160)));
    }
    const std::uint32_t shared = source.ranks.empty() ? static_cast<std::uint32_t>(rank) : source.ranks[rank];
    merges_.set(ids.at(left), ids.at(right), {shared, ids.at(joined)});
  }
  return {};
}

void BpeModel::encode(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids,
                      const std::stop_token& stop) const {
  if (!whole_words_.empty()) {
    if (const auto found = whole_words_.find(word); found != whole_words_.end()) {
      ids.push_back(found->second);
      return;
    }
  }
  scratch.ids.clear();
  scratch.ids.reserve(word.size());
  if (alphabet_ == BpeAlphabet::bytes) {
    load_bytes(word, scratch.ids, stop);
  } else {
    load_characters(word, scratch.ids, stop);
  }
  if (scratch.ids.size() > kShortWord) {
    merge_long(scratch, stop);
  } else if (scratch.ids.size() > 1) {
    merge_short(scratch);
  }
  if (stop.stop_requested()) return;
  ids.insert(ids.end(), scratch.ids.begin(), scratch.ids.end());
}

void BpeModel::load_bytes(std::string_view word, std::vector<std::int32_t>& ids, const std::stop_token& stop) const {
  bool after_unknown = false;
  for (const char byte : word) {
    if (stop.stop_requested()) return;
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(byte)];
    if (id >= 0) {
      ids.push_back(id);
    } else if (unknown_id_ && !(fuse_unknown_ && after_unknown)) {
      ids.push_back(*unknown_id_);
    }
    after_unknown = id < 0;
  }
}

std::int32_t BpeModel::character_id(std::string_view character) const {
  if (character.size() == 1) return byte_ids_[static_cast<unsigned char>(character.front())];
  const auto found = character_ids_.find(code_point(character));
  return found == character_ids_.end() ? -1 : found->second;
}

bool BpeModel::has_fallback(std::string_view character) const {
  return std::ranges::all_of(character,
                             [this](char byte) { return fallback_ids_[static_cast<unsigned char>(byte)] >= 0; });
}

/// As Hugging Face tokenizers do, the unknown id is written when the next known character comes, so behind bytes that
/// fall back in between.
void BpeModel::load_characters(std::string_view word, std::vector<std::int32_t>& ids,
                               const std::stop_token& stop) const {
  bool pending = false;
  for (std::size_t length = 0; !word.empty(); word.remove_prefix(length)) {
    if (stop.stop_requested()) return;
    length = first_utf8_part(word).length;
    const std::string_view character = word.substr(0, length);
    if (const std::int32_t id = character_id(character); id >= 0) {
      if (pending) ids.push_back(*unknown_id_);
      pending = false;
      ids.push_back(id);
    } else if (has_fallback(character)) {
      for (const char byte : character) ids.push_back(fallback_ids_[static_cast<unsigned char>(byte)]);
    } else if (unknown_id_) {
      if (pending && !fuse_unknown_) ids.push_back(*unknown_id_);
      pending = true;
    }
  }
  if (pending) ids.push_back(*unknown_id_);
}

void BpeModel::cut(std::string_view word, std::vector<std::string_view>& parts, const std::stop_token& stop) const {
  std::size_t begin = 0;
  if (cuts_before_space_) {
    for (std::size_t at = word.find(kSpaceMark); at != std::string_view::npos;
         at = word.find(kSpaceMark, at + kSpaceMark.size())) {
      if (stop.stop_requested()) break;
      if (at == begin || word.substr(begin, at - begin).ends_with(kSpaceMark)) continue;
      parts.push_back(word.substr(begin, at - begin));
      begin = at;
    }
  }
  if (begin < word.size()) parts.push_back(word.substr(begin));
}

void BpeModel::merge_short(Scratch& scratch) const {
  std::vector<std::int32_t>& ids = scratch.ids;
  std::vector<Merge>& merges = scratch.merges;
  merges.clear();
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) merges.push_back(merges_.find(ids[i], ids[i + 1]));
  while (!merges.empty()) {
    const auto best = std::ranges::min_element(merges, {}, &Merge::rank);
    if (best->rank == Merge::kNever) break;
    const std::size_t at = static_cast<std::size_t>(best - merges.begin());
    ids[at] = best->merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    merges.erase(best);
    if (at > 0) merges[at - 1] = merges_.find(ids[at - 1], ids[at]);
    if (at < merges.size()) merges[at] = merges_.find(ids[at], ids[at + 1]);
  }
}

void BpeModel::add_candidate(Scratch& scratch, std::uint32_t left) const {
  const Scratch::Symbol& symbol = scratch.symbols[left];
  const std::uint32_t rank = merges_.find(symbol.id, scratch.symbols[symbol.next].id).rank;
  if (rank == Merge::kNever) return;
  scratch.heap.push_back((std::uint64_t{rank} << 32U) | left);
  std::ranges::push_heap(scratch.heap, std::greater<>{});
}

void BpeModel::apply_candidate(Scratch& scratch, std::uint64_t candidate) const {
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  const auto position = static_cast<std::uint32_t>(candidate);
  Scratch::Symbol& left = symbols[position];
  if (left.id < 0 || left.next >= symbols.size()) return;
  Scratch::Symbol& right = symbols[left.next];
  const Merge merge = merges_.find(left.id, right.id);
  // Either side may have been merged with another neighbour since the candidate was added.
  if (merge.rank != candidate >> 32U) return;
  left.id = merge.merged;
  right.id = -1;
  left.next = right.next;
  if (left.next < symbols.size()) {
    symbols[left.next].previous = position;
    add_candidate(scratch, position);
  }
  if (position > 0) add_candidate(scratch, left.previous);
}

void BpeModel::merge_long(Scratch& scratch, const std::stop_token& stop) const {
  link_symbols(scratch, stop);
  scratch.heap.clear();
  // Each symbol brings a candidate and each merge one more than it takes. Without room for them the heap would be
  // copied while it grows, which no stop can end.
  scratch.heap.reserve(2 * scratch.symbols.size());
  for (std::uint32_t i = 0; i + 1 < scratch.symbols.size() && !stop.stop_requested(); ++i) add_candidate(scratch, i);
  while (!scratch.heap.empty() && !stop.stop_requested()) {
    std::ranges::pop_heap(scratch.heap, std::greater<>{});
    const std::uint64_t candidate = scratch.heap.back();
    scratch.heap.pop_back();
    apply_candidate(scratch, candidate);
  }
  if (!stop.stop_requested()) collect_symbols(scratch);
}

}  // namespace quantscope
