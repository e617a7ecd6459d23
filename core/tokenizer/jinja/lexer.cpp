// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/input/utf8.h"
#include "core/tokenizer/characters.h"
#include "core/tokenizer/jinja/failure.h"
#include "core/tokenizer/jinja/string_literal.h"

namespace quantscope::jinja {
namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool begins_name(char letter) { return std::isalpha(static_cast<unsigned char>(letter)) != 0 || letter == '_'; }
bool continues_name(char letter) { return begins_name(letter) || is_digit(letter); }
bool is_blank(char letter) { return letter == ' ' || (letter >= '\t' && letter <= '\r'); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (position_ < source_.size()) lex_text();
    add(TokenKind::end, "", source_.size());
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string message) const { throw Failure{std::move(message), position_, false}; }
  std::string_view rest() const { return source_.substr(position_); }
  void add(TokenKind kind, std::string_view text, std::size_t position) {
    tokens_.push_back({kind, std::string(text), position});
  }

  /// Text up to the next tag, and that tag.
  void lex_text() {
    const std::size_t begin = position_;
    std::size_t tag = source_.find('{', begin);
    while (tag != std::string_view::npos &&
           std::string_view("{%#").find(source_.substr(tag + 1, 1)) == std::string_view::npos) {
      tag = source_.find('{', tag + 1);
    }
    if (tag != std::string_view::npos && tag + 1 == source_.size()) tag = std::string_view::npos;
    const std::size_t end = std::min(tag, source_.size());
    const std::string_view text = before_tag(source_.substr(begin, end - begin), end);
    if (!text.empty()) add(TokenKind::text, text, begin);
    position_ = end;
    if (end < source_.size()) lex_tag();
  }

  /// The text before a tag without the white space that the tag takes away.
  std::string_view before_tag(std::string_view text, std::size_t tag) const {
    if (tag == source_.size()) return text;
    const std::string_view sign = source_.substr(tag + 2, 1);
    if (sign == "-") return text.substr(0, trailing_space_begin(text));
    if (sign == "+" || source_[tag + 1] == '{') return text;
    const std::size_t line = text.rfind('\n') + 1;
    const bool line_starts = line > 0 || at_line_start_;
    const bool only_space = trailing_space_begin(text) <= line;
    return line_starts && only_space ? text.substr(0, line) : text;
  }

  void lex_tag() {
    const char kind = source_[position_ + 1];
    const std::size_t begin = position_;
    position_ += 2;
    if (kind == '#') return skip_comment();
    if (rest().starts_with('-') || rest().starts_with('+')) ++position_;
    add(kind == '{' ? TokenKind::print_begin : TokenKind::block_begin, "", begin);
    const std::string_view closing = kind == '{' ? "}}" : "%}";
    braces_ = 0;
    while (!lex_end(closing)) lex_code();
    tokens_.back().kind = kind == '{' ? TokenKind::print_end : TokenKind::block_end;
  }

  void skip_comment() {
    const std::size_t end = source_.find("#}", position_);
    if (end == std::string_view::npos) fail("a comment without end");
    const char sign = end > position_ ? source_[end - 1] : ' ';
    position_ = end + 2;
    after_tag(sign, true);
  }

  /// What follows a tag: a sign - takes all white space, a block without sign one line break.
  void after_tag(char sign, bool is_block) {
    at_line_start_ = false;
    if (sign == '-') {
      const std::size_t space = leading_space_length(rest());
      at_line_start_ = space > 0 && source_[position_ + space - 1] == '\n';
      position_ += space;
    } else if (is_block && sign != '+' && rest().starts_with('\n')) {
      ++position_;
      at_line_start_ = true;
    }
  }

  bool lex_end(std::string_view closing) {
    while (position_ < source_.size() && is_blank(source_[position_])) ++position_;
    const bool signed_end = (rest().starts_with('-') || (rest().starts_with('+') && closing == "%}")) &&
                            source_.substr(position_ + 1, 2) == closing;
    if (braces_ > 0 || !(signed_end || rest().starts_with(closing))) return false;
    const char sign = signed_end ? source_[position_] : ' ';
    add(TokenKind::end, "", position_);
    position_ += signed_end ? 3 : 2;
    after_tag(sign, closing == "%}");
    return true;
  }

  void lex_code() {
    if (position_ == source_.size()) fail("a tag without end");
    const char letter = source_[position_];
    if (begins_name(letter)) return lex_while(TokenKind::name, continues_name);
    if (is_digit(letter)) return lex_number();
    if (letter == '"' || letter == '\'') return lex_string(letter);
    lex_symbol();
  }

  template <class Predicate>
  void lex_while(TokenKind kind, Predicate belongs) {
    const std::size_t begin = position_;
    while (position_ < source_.size() && belongs(source_[position_])) ++position_;
    add(kind, source_.substr(begin, position_ - begin), begin);
  }

  void skip_digits() {
    while (position_ < source_.size() && is_digit(source_[position_])) ++position_;
  }

  /// Length of "e", "e+" or "e-" where digits follow, else 0.
  std::size_t exponent_mark() const {
    const std::string_view text = rest();
    if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return 0;
    const std::size_t mark = text[1] == '+' || text[1] == '-' ? 2 : 1;
    return mark < text.size() && is_digit(text[mark]) ? mark : 0;
  }

  void lex_number() {
    const std::size_t begin = position_;
    skip_digits();
    bool real = rest().size() > 1 && rest()[0] == '.' && is_digit(rest()[1]);
    if (real) ++position_;
    skip_digits();
    if (const std::size_t mark = exponent_mark(); mark > 0) {
      position_ += mark;
      skip_digits();
      real = true;
    }
    add(real ? TokenKind::real : TokenKind::integer, source_.substr(begin, position_ - begin), begin);
  }

  void lex_string(char quote) {
    const std::size_t begin = position_++;
    while (position_ < source_.size() && source_[position_] != quote) position_ += source_[position_] == '\\' ? 2 : 1;
    if (position_ >= source_.size()) {
      position_ = begin;
      fail("a string without end");
    }
    add(TokenKind::string, string_content(source_.substr(begin + 1, position_ - begin - 1), begin), begin);
    ++position_;
  }

  void lex_symbol() {
    constexpr std::array<std::string_view, 6> pairs{"==", "!=", "<=", ">=", "//", "**"};
    const std::string_view pair = rest().substr(0, 2);
    const bool is_pair = std::ranges::find(pairs, pair) != pairs.end();
    const std::string_view symbol = rest().substr(0, is_pair ? 2 : 1);
    if (!is_pair && std::string_view("+-*/%~<>=()[]{}.,:|").find(symbol) == std::string_view::npos) {
      fail(fmt::format("the character \"{}\"", rest().substr(0, first_utf8_part(rest()).length)));
    }
    if (symbol == "(" || symbol == "[" || symbol == "{") ++braces_;
    if (braces_ > 0 && (symbol == ")" || symbol == "]" || symbol == "}")) --braces_;
    add(TokenKind::symbol, symbol, position_);
    position_ += symbol.size();
  }

  std::string_view source_;
  std::size_t position_ = 0;
  bool at_line_start_ = true;  ///< nothing but a line break lies directly before the current text
  int braces_ = 0;             ///< open in the current tag
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view source) { return Lexer(source).run(); }

}  // namespace quantscope::jinja
