// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tokenizer/jinja/failure.h"
#include "core/tokenizer/jinja/lexer.h"

namespace quantscope::jinja {

/// The tokens of a template, read one by one.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek() const { return tokens_[next_]; }
  bool at(TokenKind kind) const { return peek().kind == kind; }
  bool at_symbol(std::string_view symbol) const { return at(TokenKind::symbol) && peek().text == symbol; }
  bool at_name(std::string_view name) const { return at(TokenKind::name) && peek().text == name; }
  /// Whether the token behind the next one is this name.
  bool then_name(std::string_view name) const {
    return next_ + 1 < tokens_.size() && tokens_[next_ + 1].kind == TokenKind::name && tokens_[next_ + 1].text == name;
  }

  /// The last token, of kind end, is never passed.
  Token take() { return next_ + 1 < tokens_.size() ? tokens_[next_++] : tokens_[next_]; }
  bool skip_symbol(std::string_view symbol) {
    const bool found = at_symbol(symbol);
    if (found) ++next_;
    return found;
  }
  bool skip_name(std::string_view name) {
    const bool found = at_name(name);
    if (found) ++next_;
    return found;
  }
  Token expect(TokenKind kind, std::string_view what) {
    if (!at(kind)) fail(fmt::format("expected {}", what));
    return take();
  }
  void expect_symbol(std::string_view symbol) {
    if (!skip_symbol(symbol)) fail(fmt::format("expected \"{}\"", symbol));
  }
  [[noreturn]] void fail(std::string message) const { throw Failure{std::move(message), peek().position, false}; }

 private:
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

}  // namespace quantscope::jinja
