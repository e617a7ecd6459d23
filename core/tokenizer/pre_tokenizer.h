// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <stop_token>
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

/// Which pieces get the replacement of a space put before them.
enum class PrependScheme : std::uint8_t { always, first, never };

/// SentencePiece's way with spaces: each becomes `replacement` ("▁"), and words begin with it.
struct Metaspace {
  std::string replacement = "\u2581";
  PrependScheme prepend = PrependScheme::always;  ///< `first`: only the piece the whole text begins with
  bool split = true;                              ///< cut before each replacement
};

/// Cuts text into the words that byte-pair encoding looks at one by one: steps, each working on the pieces of the one
/// before it. Immutable and safe to use from several threads.
class PreTokenizer {
 public:
  using Step = std::variant<RegexSplitter, PrefixSpace, Metaspace>;

  void add(Step step);
  /// Pieces point into `text` or into strings added to `arena`. `at_start` says that nothing of the whole text lies
  /// before `text`. After a stop it cuts no further.
  std::vector<std::string_view> split(std::string_view text, bool at_start, TextArena& arena,
                                      const std::stop_token& stop = {}) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace quantscope
