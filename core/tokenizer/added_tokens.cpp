// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/added_tokens.h"

#include <algorithm>

#include "core/input/utf8.h"
#include "core/tokenizer/characters.h"

namespace quantscope {
namespace {

constexpr std::size_t bytes_between_stops = std::size_t{1} << 16U;

std::uint64_t edge_key(std::uint32_t node, char byte) {
  return (std::uint64_t{node} << 8U) | static_cast<unsigned char>(byte);
}

bool begins_with_word(std::string_view text) {
  return !text.empty() && is_word_character(code_point(text.substr(0, first_utf8_part(text).length)));
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && is_word_character(code_point(last_character(text)));
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)), ends_(1) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) insert(i);
}

void AddedTokenMatcher::insert(std::size_t token) {
  const std::string& content = tokens_[token].content;
  if (content.empty()) return;
  std::uint32_t node = 0;
  for (const char byte : content) {
    const auto [edge, added] = edges_.try_emplace(edge_key(node, byte), static_cast<std::uint32_t>(ends_.size()));
    if (added) ends_.emplace_back();
    node = edge->second;
  }
  ends_[node] = token;
  is_first_byte_[static_cast<unsigned char>(content[0])] = true;
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text) const {
  const AddedToken* longest = nullptr;
  std::uint32_t node = 0;
  for (const char byte : text) {
    const auto edge = edges_.find(edge_key(node, byte));
    if (edge == edges_.end()) break;
    node = edge->second;
    if (ends_[node]) longest = &tokens_[*ends_[node]];
  }
  return longest;
}

std::optional<AddedTokenMatcher::Match> AddedTokenMatcher::find(std::string_view text, std::size_t from,
                                                                const std::stop_token& stop) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (begin % bytes_between_stops == 0 && stop.stop_requested()) break;
    if (!is_first_byte_[static_cast<unsigned char>(text[begin])]) continue;
    if (const AddedToken* token = longest_at(text.substr(begin))) {
      return Match{begin, begin + token->content.size(), token};
    }
  }
  return std::nullopt;
}

std::vector<TextSection> AddedTokenMatcher::split(std::string_view text, bool parse_special,
                                                  const std::stop_token& stop) const {
  std::vector<TextSection> sections;
  std::size_t done = 0;
  std::size_t from = 0;
  while (const std::optional<Match> match = find(text, from, stop)) {
    if (stop.stop_requested()) break;
    auto [begin, end, token] = *match;
    from = end;
    if (token->special && !parse_special) continue;
    if (token->single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end)))) continue;
    if (token->lstrip) begin = done + trailing_space_begin(text.substr(done, begin - done));
    if (token->rstrip) end += leading_space_length(text.substr(end));
    if (begin > done) sections.push_back({text.substr(done, begin - done), std::nullopt});
    sections.push_back({text.substr(begin, end - begin), token->id});
    done = from = end;
  }
  if (done < text.size()) sections.push_back({text.substr(done), std::nullopt});
  return sections;
}

}  // namespace quantscope
