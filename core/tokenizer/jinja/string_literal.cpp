// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/string_literal.h"

#include <utf8proc.h>

#include <array>
#include <charconv>

#include "core/tokenizer/jinja/failure.h"

namespace quantscope::jinja {
namespace {

/// Hexadecimal digits after \x, \u or \U; 0 for other letters.
std::size_t code_digits(char letter) { return letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0; }

void append_code(std::string_view digits, std::size_t count, std::size_t position, std::string& content) {
  unsigned code = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  const bool complete = error == std::errc() && digits.size() == count && end == digits.data() + count;
  if (!complete || !utf8proc_codepoint_valid(static_cast<utf8proc_int32_t>(code))) {
    throw Failure{"a malformed escape in a string", position, false};
  }
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes.data());
  content.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

}  // namespace

std::string string_content(std::string_view literal, std::size_t position) {
  constexpr std::string_view letters = "nrtabfv\\'\"\n", meanings = "\n\r\t\a\b\f\v\\'\"";
  std::string content;
  for (std::size_t at = 0; at < literal.size(); ++at) {
    if (literal[at] != '\\' || at + 1 == literal.size()) {
      content += literal[at];
      continue;
    }
    const char letter = literal[++at];
    if (const std::size_t digits = code_digits(letter); digits > 0) {
      append_code(literal.substr(at + 1, digits), digits, position, content);
      at += digits;
    } else if (letter >= '0' && letter <= '7') {
      throw Failure{"an octal escape in a string", position};
    } else if (const std::size_t known = letters.find(letter); known < meanings.size()) {
      content += meanings[known];
    } else if (letter != '\n') {
      content += '\\';
      content += letter;
    }
  }
  return content;
}

}  // namespace quantscope::jinja
