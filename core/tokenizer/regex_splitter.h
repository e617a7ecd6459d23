// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"

struct pcre2_real_code_8;

namespace quantscope {

/// What becomes of the matches of a split pattern, with the names of tokenizer.json.
enum class SplitBehavior { isolated, removed, contiguous, merged_with_previous, merged_with_next };

struct SplitRule {
  std::string pattern;   ///< Oniguruma syntax, or plain text if `literal`
  bool literal = false;  ///< match `pattern` as it stands
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  ///< treat what lies between matches as the matches
};

/// Cuts text by a regular expression. Immutable and safe to use from several threads.
class RegexSplitter {
 public:
  /// Fails if the pattern is malformed or uses what PCRE2 cannot do.
  static Result<RegexSplitter> compile(const SplitRule& rule);

  /// Appends the pieces of each text to `pieces`; they point into `texts` and are never empty. Texts must be valid
  /// UTF-8. Where matching gives up (its limits are there for hostile patterns) the rest of that text is one piece.
  void split(std::span<const std::string_view> texts, std::vector<std::string_view>& pieces) const;

 private:
  RegexSplitter() = default;

  std::shared_ptr<const pcre2_real_code_8> code_;
  SplitBehavior behavior_ = SplitBehavior::isolated;
  bool invert_ = false;
};

}  // namespace quantscope
