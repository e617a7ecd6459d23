// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

/// What the patterns and added tokens of tokenizer.json ask of characters. Texts are valid UTF-8.
namespace quantscope {

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
