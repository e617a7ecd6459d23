// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quantscope::jinja {

enum class TokenKind : std::uint8_t {
  text,         ///< between tags
  print_begin,  ///< {{
  print_end,
  block_begin,  ///< {%
  block_end,
  name,
  string,
  integer,
  real,
  symbol,  ///< operator or bracket
  end      ///< of the template
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text = {};     ///< as it stands; of a string its content, escapes resolved
  std::size_t position = 0;  ///< byte in the template
};

/// Cuts a template into tokens, with the white space rules of transformers' environment: trim_blocks, lstrip_blocks,
/// the signs - and +, comments left out. The last token is of kind end. Throws Failure.
std::vector<Token> lex(std::string_view source);

}  // namespace quantscope::jinja
