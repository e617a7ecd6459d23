// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/text_functions.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "core/input/utf8.h"
#include "core/tokenizer/characters.h"
#include "core/tokenizer/jinja/value.h"

namespace quantscope::jinja {
namespace {

bool is_in(std::string_view character, const std::optional<std::string>& set) {
  return set ? set->find(character) != std::string::npos : is_white_space(code_point(character));
}

using CaseMap = utf8proc_int32_t (*)(utf8proc_int32_t);

void append_mapped(std::string_view character, CaseMap map, std::string& text) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length = utf8proc_encode_char(map(static_cast<utf8proc_int32_t>(code_point(character))), bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

bool is_letter(std::string_view character) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code_point(character)));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

std::string mapped(std::string_view text, CaseMap map) {
  std::string result;
  for (const std::string_view character : characters(text)) append_mapped(character, map, result);
  return result;
}

std::vector<std::string> split_at_space(std::string_view text, std::size_t limit) {
  std::vector<std::string> parts;
  text.remove_prefix(leading_space_length(text));
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && leading_space_length(text.substr(end)) == 0) {
      end += first_utf8_part(text.substr(end)).length;
    }
    if (parts.size() == limit) end = text.size();
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(leading_space_length(text));
  }
  return parts;
}

}  // namespace

std::string strip(std::string_view text, const std::optional<std::string>& set, Side side) {
  while (side != Side::right && !text.empty()) {
    const std::string_view first = text.substr(0, first_utf8_part(text).length);
    if (!is_in(first, set)) break;
    text.remove_prefix(first.size());
  }
  while (side != Side::left && !text.empty() && is_in(last_character(text), set)) {
    text.remove_suffix(last_character(text).size());
  }
  return std::string(text);
}

std::string upper(std::string_view text) { return mapped(text, utf8proc_toupper); }

std::string lower(std::string_view text) { return mapped(text, utf8proc_tolower); }

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  const std::size_t first = first_utf8_part(text).length;
  return mapped(text.substr(0, first), utf8proc_totitle) + lower(text.substr(first));
}

std::string title(std::string_view text) {
  std::string result;
  bool inside = false;
  for (const std::string_view character : characters(text)) {
    append_mapped(character, inside ? utf8proc_tolower : utf8proc_totitle, result);
    inside = is_letter(character);
  }
  return result;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to, Budget& budget) {
  if (from.empty()) throw Failure{"replacing an empty text"};
  std::string result;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    budget.spend_bytes(at + to.size());
    result.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  budget.spend_bytes(text.size());
  return result.append(text);
}

std::vector<std::string> split(std::string_view text, const std::optional<std::string>& separator, std::size_t limit) {
  if (!separator) return split_at_space(text, limit);
  if (separator->empty()) throw wrong("split at an empty text");
  std::vector<std::string> parts;
  for (std::size_t at = text.find(*separator); at != std::string_view::npos && parts.size() < limit;
       at = text.find(*separator)) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator->size());
  }
  parts.emplace_back(text);
  return parts;
}

}  // namespace quantscope::jinja
