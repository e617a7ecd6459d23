// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/tokenizer/text_pattern.h"
#include "core/tokenizer/unicode_normal_form.h"

namespace quantscope {

/// Lower case of each character by itself (no final sigma), as Rust's char::to_lowercase.
struct LowercaseText {};
/// Removes white space (Unicode White_Space) from the ends.
struct StripSpace {
  bool left = true, right = true;
};
/// Puts text before a text that is not empty.
struct PrependText {
  std::string text;
};
struct ReplaceText {
  TextPattern pattern;
  std::string content;
};

/// Changes text before it is cut into words: steps in order. Immutable and safe to use from several threads.
class Normalizer {
 public:
  using Step = std::variant<NormalForm, LowercaseText, StripSpace, PrependText, ReplaceText>;

  void add(Step step);
  bool empty() const { return steps_.empty(); }
  /// False only if normalize() would give valid UTF-8 `text` back as it is.
  bool may_change(std::string_view text) const;
  /// After a stop what it returns is cut short.
  std::string normalize(std::string_view text, const std::stop_token& stop = {}) const;
  /// True if white space may be cut off the beginning of a text.
  bool strips_left() const;

 private:
  std::vector<Step> steps_;
};

}  // namespace quantscope
