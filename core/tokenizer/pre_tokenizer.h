// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/tokenizer/regex_splitter.h"

namespace quantscope {

/// Owns text made while encoding; what is in it stays where it is until the arena goes.
using TextArena = std::deque<std::string>;

/// The ByteLevel option add_prefix_space: each piece begins with a space.
struct PrefixSpace {};

/// Cuts text into the words that byte-pair encoding looks at one by one: steps, each working on the pieces of the one
/// before it. Immutable and safe to use from several threads.
class PreTokenizer {
 public:
  using Step = std::variant<RegexSplitter, PrefixSpace>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  /// Pieces point into `text` or into strings added to `arena`.
  std::vector<std::string_view> split(std::string_view text, TextArena& arena) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace quantscope
