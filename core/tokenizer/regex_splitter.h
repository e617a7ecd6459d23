// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer/text_pattern.h"
#include "kernels/error.h"

namespace quantscope {

/// What becomes of the matches of a split pattern, with the names of tokenizer.json.
enum class SplitBehavior { isolated, removed, contiguous, merged_with_previous, merged_with_next };

struct SplitRule {
  std::string pattern;   ///< Oniguruma syntax, or plain text if `literal`
  bool literal = false;  ///< match `pattern` as it stands
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  ///< treat what lies between matches as the matches
};

/// Cuts text by a pattern. Immutable and safe to use from several threads.
class RegexSplitter {
 public:
  /// Fails if the pattern is empty, malformed or uses what PCRE2 cannot do.
  static Result<RegexSplitter> compile(const SplitRule& rule);

  /// Appends the pieces of each text to `pieces`; they point into `texts` and are never empty. Texts must be valid
  /// UTF-8. After a stop it cuts no further.
  void split(std::span<const std::string_view> texts, std::vector<std::string_view>& pieces,
             const std::stop_token& stop = {}) const;

 private:
  RegexSplitter(TextPattern pattern, const SplitRule& rule)
      : pattern_(std::move(pattern)), behavior_(rule.behavior), invert_(rule.invert) {}

  TextPattern pattern_;
  SplitBehavior behavior_ = SplitBehavior::isolated;
  bool invert_ = false;
};

}  // namespace quantscope
