// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace quantscope {

/// Remembers, while one text is encoded, where in the ids written so far a word was encoded before. Words repeat so
/// often that most are copied from there. Holds no text of its own: words must outlive it. Bounded: a new word
/// displaces the one in its place.
class WordCache {
 public:
  /// Longer words are not worth remembering.
  static constexpr std::size_t kLongestWord = 64;

  struct Entry {
    std::string_view word;
    std::size_t first = 0, count = 0;  ///< of its ids
  };

  /// Sized for a text of so many bytes; short texts get a cache that costs next to nothing to set up.
  explicit WordCache(std::size_t text_bytes)
      : entries_(std::bit_ceil(std::clamp<std::size_t>(text_bytes / 16, 1, 32768))) {}

  /// The place of a word: its entry if `word` matches, else one to overwrite.
  Entry& place(std::string_view word) { return entries_[std::hash<std::string_view>{}(word) & (entries_.size() - 1)]; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace quantscope
