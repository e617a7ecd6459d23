// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quantscope {

/// A token that is looked for in the text itself, before it is cut into words ("<|im_start|>").
struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool special = false;      ///< left alone in text where EncodeOptions::parse_special is false
  bool normalized = false;   ///< looked for after normalization instead of before
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool single_word = false;  ///< only where no word character stands beside it
};

/// A stretch of text with its id if it is an added token.
struct TextSection {
  std::string_view text;
  std::optional<std::int32_t> id;
};

/// Finds added tokens in text: leftmost first, at one place the longest (the order of Hugging Face tokenizers). Time is
/// linear in the text times at most the length of the longest token.
class AddedTokenMatcher {
 public:
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  /// The non-empty sections of valid UTF-8 text in order. After a stop it looks no further.
  std::vector<TextSection> split(std::string_view text, bool parse_special, const std::stop_token& stop = {}) const;

 private:
  struct Match {
    std::size_t begin = 0, end = 0;
    const AddedToken* token = nullptr;
  };

  void insert(std::size_t token);
  std::optional<Match> find(std::string_view text, std::size_t from, const std::stop_token& stop) const;
  const AddedToken* longest_at(std::string_view text) const;

  std::vector<AddedToken> tokens_;
  /// The trie: (node, byte) to node; node 0 is the root.
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;
  /// Index of the token that ends at a node.
  std::vector<std::optional<std::size_t>> ends_;
  std::array<bool, 256> is_first_byte_{};
};

}  // namespace quantscope
