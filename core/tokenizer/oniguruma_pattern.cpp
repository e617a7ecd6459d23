// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/oniguruma_pattern.h"

#include <fmt/format.h>

namespace quantscope {
namespace {

constexpr std::string_view kWhiteSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

/// What \w matches in Oniguruma and in Rust's regex; PCRE2's own \w leaves marks out.
constexpr std::string_view kWordCharacter = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d})";

class PatternWriter {
 public:
  explicit PatternWriter(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> write() {
    while (position_ < pattern_.size()) {
      const bool readable = pattern_[position_] == '\\' ? write_escape() : write_plain();
      if (!readable) return refuse();
    }
    return std::move(written_);
  }

 private:
  bool write_escape() {
    const std::string_view escape = pattern_.substr(position_, 2);
    position_ += escape.size();
    if (escape == "\\h" || escape == "\\H") return false;
    if (in_class_ && (escape == "\\S" || escape == "\\W")) return false;
    if (escape == "\\s" || escape == "\\S") {
      write_set(kWhiteSpace, escape == "\\S");
    } else if (escape == "\\w" || escape == "\\W") {
      write_set(kWordCharacter, escape == "\\W");
    } else if (!in_class_ && (escape == "\\b" || escape == "\\B")) {
      write_word_boundary(escape == "\\B");
    } else {
      written_ += escape;
    }
    return true;
  }

  void write_set(std::string_view set, bool negated) {
    written_ += in_class_ ? std::string(set) : fmt::format("[{}{}]", negated ? "^" : "", set);
  }

  /// A boundary has a word character on one side only.
  void write_word_boundary(bool negated) {
    const std::string_view beside = negated ? "=" : "!", opposite = negated ? "!" : "=";
    written_ += fmt::format("(?:(?<=[{0}])(?{1}[{0}])|(?<![{0}])(?{2}[{0}]))", kWordCharacter, beside, opposite);
  }

  bool write_plain() {
    const char character = pattern_[position_];
    if (!in_class_ && character == '[') return open_class();
    if (in_class_ && character == '[') return write_posix_class();
    if (in_class_ && pattern_.substr(position_, 2) == "&&") return false;
    if (in_class_ && character == ']') in_class_ = false;
    written_ += character;
    ++position_;
    return true;
  }

  bool open_class() {
    in_class_ = true;
    const bool negated = pattern_.substr(position_, 2) == "[^";
    const std::string_view opening = pattern_.substr(position_, negated ? 2 : 1);
    written_ += opening;
    position_ += opening.size();
    return pattern_.substr(position_, 1) != "]";
  }

  bool write_posix_class() {
    const std::size_t end = pattern_.find(":]", position_);
    if (pattern_.substr(position_, 2) != "[:" || end == std::string_view::npos) return false;
    written_ += pattern_.substr(position_, end + 2 - position_);
    position_ = end + 2;
    return true;
  }

  Result<std::string> refuse() const {
    return fail(ErrorCode::unsupported, fmt::format("The pattern \"{1}\" is not supported from its byte {0} on.",
                                                    position_, pattern_.substr(0, 200)));
  }

  std::string_view pattern_;
  std::string written_;
  std::size_t position_ = 0;
  bool in_class_ = false;
};

}  // namespace

Result<std::string> pcre2_pattern(std::string_view oniguruma) { return PatternWriter(oniguruma).write(); }

}  // namespace quantscope
