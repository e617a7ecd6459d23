// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace quantscope {

/// A stretch of text: a match, or what lies before, between or after matches.
struct PatternSection {
  std::size_t begin = 0, end = 0;
  bool is_match = false;
};

/// Memory that matching reuses from text to text; for one thread at a time.
class MatchScratch {
 public:
  MatchScratch();
  pcre2_real_match_data_8* data() const { return data_.get(); }

 private:
  std::unique_ptr<pcre2_real_match_data_8, void (*)(pcre2_real_match_data_8*)> data_;
};

/// A `pattern` of tokenizer.json: a regular expression (Oniguruma syntax) or plain text. Immutable and safe to use from
/// several threads.
class TextPattern {
 public:
  /// Fails if the expression is malformed or uses what PCRE2 cannot do.
  static Result<TextPattern> expression(std::string_view oniguruma);
  /// Matches `text` as it stands; `text` must not be empty.
  static TextPattern literal(std::string_view text);

  /// Appends the sections of valid UTF-8 text in order; together they cover it. Matches may be empty, but not directly
  /// behind another match. Where matching gives up (its limits are there for hostile patterns) the rest is no match;
  /// after a stop likewise.
  void find(std::string_view text, const MatchScratch& scratch, std::vector<PatternSection>& sections,
            const std::stop_token& stop = {}) const;
  /// `text` with every match replaced. A hostile file could make text grow without bound: matches behind the point
  /// where the result has 64 times the length of `text` and 4 KiB more are kept as they stand.
  std::string replace(std::string_view text, std::string_view replacement, const std::stop_token& stop = {}) const;

 private:
  TextPattern() = default;
  void find_literal(std::string_view text, std::vector<PatternSection>& sections, const std::stop_token& stop) const;
  void find_expression(std::string_view text, const MatchScratch& scratch, std::vector<PatternSection>& sections,
                       const std::stop_token& stop) const;

  std::string literal_;
  std::shared_ptr<const pcre2_real_code_8> code_;  ///< null for plain text
};

}  // namespace quantscope
