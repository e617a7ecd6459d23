// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quantscope {

/// What stands at the start of a byte string: a character, or a maximal part that cannot belong to one.
struct Utf8Part {
  std::size_t length = 0;  ///< 1 to 4 bytes
  bool valid = false;
};

/// The first part of `bytes`, which must not be empty. Invalid parts are cut as Unicode recommends ("substitution of
/// maximal subparts", The Unicode Standard 3.9) and as Rust's String::from_utf8_lossy does.
Utf8Part first_utf8_part(std::string_view bytes);

/// Length of the longest prefix that is valid UTF-8.
std::size_t valid_utf8_prefix(std::string_view bytes);

/// `bytes` with each maximal invalid part replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view bytes);

/// The code point of one valid character.
char32_t code_point(std::string_view character);

/// The last character of valid, non-empty text.
std::string_view last_character(std::string_view text);

/// Unicode White_Space, the meaning of \s in the patterns of tokenizer.json.
bool is_white_space(char32_t character);

/// Bytes of white space at the start of valid text.
std::size_t leading_space_length(std::string_view text);

/// Where the white space at the end of valid text begins.
std::size_t trailing_space_begin(std::string_view text);

/// The meaning of \w in Rust's regex: Alphabetic, marks, decimal digits, connectors, joiners.
bool is_word_character(char32_t character);

}  // namespace quantscope
