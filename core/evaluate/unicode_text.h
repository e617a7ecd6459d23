// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace quantscope {

/// Code points of UTF-8 text; what belongs to no character becomes U+FFFD, as in replace_invalid_utf8().
std::u32string to_code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

/// Lower case with the full mappings of Unicode's SpecialCasing.txt that hold in every language: U+0130 becomes
/// i + U+0307, and a capital sigma at the end of a word becomes the final sigma.
std::u32string lower_case(std::u32string_view text);

/// What Python's str.split() and str.strip() take as white space: category Zs, or bidirectional class WS, B or S.
bool is_python_white_space(char32_t c);
/// What Python's \w matches in text: letters and numbers of any script, and the underscore.
bool is_python_word_character(char32_t c);

/// Without white space at both ends.
std::string strip(std::string_view text);

}  // namespace quantscope
