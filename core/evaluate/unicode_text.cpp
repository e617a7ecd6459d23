// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/unicode_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/input/utf8.h"

namespace quantscope {
namespace {

constexpr char32_t replacement_character = 0xFFFD;
constexpr char32_t capital_i_with_dot = 0x0130;
constexpr char32_t combining_dot_above = 0x0307;
constexpr char32_t capital_sigma = 0x03A3;
constexpr char32_t final_sigma = 0x03C2;

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

char32_t simple_lower_case(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

/// The members of Unicode's Cased property that have no case mapping and are no cased letters: ordinal indicators and
/// squared Latin letters.
bool is_cased_symbol(char32_t c) {
  return c == 0xAA || c == 0xBA || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189);
}

/// Unicode's Cased property. Cased modifier letters may be told otherwise: they are case-ignorable, so the sigma rule
/// skips them.
bool is_cased(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return true;
    default: break;
  }
  const auto code_point = static_cast<utf8proc_int32_t>(c);
  return is_cased_symbol(c) || simple_lower_case(c) != c || utf8proc_toupper(code_point) != code_point;
}

/// Unicode's Case_Ignorable property: marks, format characters, modifiers, and the punctuation that may stand inside a
/// word (Word_Break MidLetter, MidNumLet and Single_Quote).
bool is_case_ignorable(char32_t c) {
  constexpr std::array<char32_t, 17> inside_words = {0x0027, 0x002E, 0x003A, 0x00B7, 0x0387, 0x055F,
                                                     0x05F4, 0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                                     0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return std::ranges::binary_search(inside_words, c);
  }
}

/// Final_Sigma of the Unicode standard, section 3.13: a cased letter before, none after, case-ignorable ones skipped.
bool is_word_final(std::u32string_view text, std::size_t position) {
  std::size_t before = position;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = position + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

}  // namespace

std::u32string to_code_points(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Utf8Part part = first_utf8_part(text);
    result.push_back(part.valid ? code_point(text.substr(0, part.length)) : replacement_character);
    text.remove_prefix(part.length);
  }
  return result;
}

std::string to_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : text) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
    result.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
  }
  return result;
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == capital_i_with_dot) {
      result += {U'i', combining_dot_above};
    } else if (text[i] == capital_sigma && is_word_final(text, i)) {
      result += final_sigma;
    } else {
      result += simple_lower_case(text[i]);
    }
  }
  return result;
}

bool is_python_white_space(char32_t c) {
  if (c < 0x80) return c == U' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0x2028 || c == 0x2029 || category(c) == UTF8PROC_CATEGORY_ZS;
}

bool is_python_word_character(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return c == U'_';
  }
}

std::string strip(std::string_view text) {
  const std::u32string code_points = to_code_points(text);
  const auto is_ink = [](char32_t c) { return !is_python_white_space(c); };
  const auto first = std::ranges::find_if(code_points, is_ink);
  const auto last = std::find_if(code_points.rbegin(), std::make_reverse_iterator(first), is_ink).base();
  return to_utf8({first, last});
}

}  // namespace quantscope
