// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/utf8.h"

#include <cstdint>
#include <cstring>

namespace quantscope {
namespace {

/// Bytes a lead byte announces, and what its second byte may be (Table 3-7 of the Unicode Standard).
struct Lead {
  std::size_t length = 0;  ///< 0: not a lead byte
  unsigned char low = 0x80, high = 0xBF;
};

Lead classify_lead(unsigned char byte) {
  if (byte < 0x80) return {.length = 1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {.length = 2};
  if (byte == 0xE0) return {.length = 3, .low = 0xA0};
  if (byte == 0xED) return {.length = 3, .high = 0x9F};
  if (byte < 0xF0) return {.length = 3};
  if (byte == 0xF0) return {.length = 4, .low = 0x90};
  if (byte < 0xF4) return {.length = 4};
  if (byte == 0xF4) return {.length = 4, .high = 0x8F};
  return {};
}

constexpr std::size_t bytes_between_stops = std::size_t{1} << 20U;

bool eight_ascii_bytes(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

}  // namespace

Utf8Part first_utf8_part(std::string_view bytes) {
  Lead lead = classify_lead(static_cast<unsigned char>(bytes[0]));
  if (lead.length == 0) return {1, false};
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (i == bytes.size()) return {i, false};
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < lead.low || byte > lead.high) return {i, false};
    lead.low = 0x80;
    lead.high = 0xBF;
  }
  return {lead.length, true};
}

std::size_t valid_utf8_prefix(std::string_view bytes) {
  std::size_t position = 0;
  while (position < bytes.size()) {
    if (position + 8 <= bytes.size() && eight_ascii_bytes(bytes.data() + position)) {
      position += 8;
      continue;
    }
    const Utf8Part part = first_utf8_part(bytes.substr(position));
    if (!part.valid) break;
    position += part.length;
  }
  return position;
}

bool is_utf8(std::string_view bytes) { return valid_utf8_prefix(bytes) == bytes.size(); }

Result<std::size_t> valid_utf8_prefix(std::string_view bytes, const std::stop_token& stop) {
  for (std::size_t at = 0;;) {
    if (stop.stop_requested()) return cancelled();
    // The next piece begins with the character that the end of this one cuts.
    const std::size_t valid = valid_utf8_prefix(bytes.substr(at, bytes_between_stops));
    at += valid;
    if (valid == 0) return at;
  }
}

Result<InvalidUtf8> find_invalid_utf8(std::string_view bytes, const std::stop_token& stop) {
  InvalidUtf8 invalid;
  for (std::size_t at = 0;;) {
    const auto valid = valid_utf8_prefix(bytes.substr(at), stop);
    if (!valid) return tl::unexpected(valid.error());
    at += *valid;
    if (at == bytes.size()) return invalid;
    if (invalid.bytes == 0) invalid.first = at;
    const std::size_t length = first_utf8_part(bytes.substr(at)).length;
    invalid.bytes += length;
    at += length;
  }
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t valid = valid_utf8_prefix(bytes);
    text.append(bytes.substr(0, valid));
    bytes.remove_prefix(valid);
    if (bytes.empty()) break;
    text.append("\xEF\xBF\xBD");
    bytes.remove_prefix(first_utf8_part(bytes).length);
  }
  return text;
}

char32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  char32_t value = lead & (0xFFU >> (character.size() + 1));
  for (const char byte : character.substr(1)) value = (value << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
  return value;
}

}  // namespace quantscope
