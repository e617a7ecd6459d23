// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/characters.h"

#include <utf8proc.h>

#include "core/input/utf8.h"

namespace quantscope {

std::string_view last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80) --begin;
  return text.substr(begin);
}

bool is_white_space(char32_t character) {
  if (character < 0x80) return character == ' ' || (character >= '\t' && character <= '\r');
  return character == 0x85 || character == 0xA0 || character == 0x1680 ||
         (character >= 0x2000 && character <= 0x200A) || character == 0x2028 || character == 0x2029 ||
         character == 0x202F || character == 0x205F || character == 0x3000;
}

std::size_t leading_space_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const std::size_t character = first_utf8_part(text.substr(length)).length;
    if (!is_white_space(code_point(text.substr(length, character)))) break;
    length += character;
  }
  return length;
}

std::size_t trailing_space_begin(std::string_view text) {
  while (!text.empty() && is_white_space(code_point(last_character(text)))) {
    text.remove_suffix(last_character(text).size());
  }
  return text.size();
}

namespace {

/// What Unicode calls Other_Alphabetic outside of marks, and the two joiners.
bool is_other_word_character(char32_t character) {
  return character == 0x200C || character == 0x200D || (character >= 0x24B6 && character <= 0x24E9) ||
         (character >= 0x1F130 && character <= 0x1F149) || (character >= 0x1F150 && character <= 0x1F169) ||
         (character >= 0x1F170 && character <= 0x1F189);
}

}  // namespace

bool is_word_character(char32_t character) {
  if (is_other_word_character(character)) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
  }
}

}  // namespace quantscope
