// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/unicode_normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/input/utf8.h"

namespace quantscope {
namespace {

using CodePoints = std::vector<utf8proc_int32_t>;

CodePoints decompose(std::string_view text, bool compatibility) {
  const unsigned options =
      compatibility ? unsigned{UTF8PROC_DECOMPOSE} | UTF8PROC_COMPAT : unsigned{UTF8PROC_DECOMPOSE};
  CodePoints points;
  points.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = first_utf8_part(text).length;
    std::array<utf8proc_int32_t, 32> expanded{};
    int last_boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(code_point(text.substr(0, length))), expanded.data(),
        static_cast<utf8proc_ssize_t>(expanded.size()), static_cast<utf8proc_option_t>(options), &last_boundary);
    points.insert(points.end(), expanded.begin(), expanded.begin() + std::max<utf8proc_ssize_t>(count, 0));
    text.remove_prefix(length);
  }
  return points;
}

int combining_class(utf8proc_int32_t point) { return utf8proc_get_property(point)->combining_class; }

/// utf8proc_decompose() sorts marks by insertion, which a text of a million marks turns into hours.
void order_marks(CodePoints& points) {
  for (auto first = points.begin(); first != points.end();) {
    if (combining_class(*first) == 0) {
      ++first;
      continue;
    }
    const auto last = std::find_if(first, points.end(), [](auto point) { return combining_class(point) == 0; });
    std::stable_sort(first, last, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    first = last;
  }
}

void compose(CodePoints& points) {
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  points.resize(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(count, 0)));
}

/// False only for characters that NFC never changes, moves or joins to the one before.
bool may_change(char32_t character) {
  constexpr utf8proc_uint16_t none = 0xFFFF, first_joining = 0x8000;  // utf8proc's own encoding of its tables
  const bool is_jamo = character >= 0x1100 && character <= 0x11FF;    // joined by rule, not by table
  const utf8proc_property_t& property = *utf8proc_get_property(static_cast<utf8proc_int32_t>(character));
  const bool decomposes = property.decomp_seqindex != none && property.decomp_type == 0;
  const bool joins_previous = property.comb_index != none && property.comb_index >= first_joining;
  return is_jamo || decomposes || joins_previous || property.combining_class != 0;
}

/// The length of a piece that can be normalized by itself: no ASCII character is changed by, moved before or joined to
/// what stands in front of it, so the text may be cut there (UAX #15, 9.1: a boundary).
std::size_t piece_length(std::string_view text) {
  constexpr std::size_t shortest = std::size_t{1} << 16U;
  for (std::size_t i = shortest; i < text.size(); ++i)
    if (static_cast<unsigned char>(text[i]) < 0x80) return i;
  return text.size();
}

void append_normal_form(std::string_view text, NormalForm form, std::string& normal) {
  const bool compatibility = form == NormalForm::nfkc || form == NormalForm::nfkd;
  CodePoints points = decompose(text, compatibility);
  order_marks(points);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) compose(points);
  for (const utf8proc_int32_t point : points) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const utf8proc_ssize_t length = utf8proc_encode_char(point, bytes.data());
    normal.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
  }
}

}  // namespace

bool may_change_under_nfc(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    // Lead bytes below 0xCC begin characters below U+0300: none of them changes unless a mark follows.
    if (static_cast<unsigned char>(text[i]) < 0xCC) continue;
    if (may_change(code_point(text.substr(i, first_utf8_part(text.substr(i)).length)))) return true;
  }
  return false;
}

std::string to_normal_form(std::string_view text, NormalForm form, const std::stop_token& stop) {
  std::string normal;
  normal.reserve(text.size());
  while (!text.empty() && !stop.stop_requested()) {
    const std::size_t length = piece_length(text);
    append_normal_form(text.substr(0, length), form, normal);
    text.remove_prefix(length);
  }
  return normal;
}

std::string to_nfc(std::string_view text) { return to_normal_form(text, NormalForm::nfc); }

}  // namespace quantscope
