// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/byte_level.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "core/input/utf8.h"

namespace quantscope {
namespace {

constexpr std::size_t kAlphabetEnd = 0x144;  // 0x100 + the 68 bytes without a printable character of their own

constexpr bool is_printable_byte(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<std::uint16_t, 256> character{};
  std::array<std::int16_t, kAlphabetEnd> byte{};

  constexpr Alphabet() {
    byte.fill(-1);
    std::uint16_t next = 0x100;
    for (unsigned value = 0; value < 256; ++value) {
      character[value] = is_printable_byte(value) ? static_cast<std::uint16_t>(value) : next++;
      byte[character[value]] = static_cast<std::int16_t>(value);
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

std::optional<std::string> bytes_from_byte_level(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const Utf8Part part = first_utf8_part(text);
    if (!part.valid) return std::nullopt;
    const char32_t character = code_point(text.substr(0, part.length));
    if (character >= kAlphabetEnd || kAlphabet.byte[character] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.byte[character]));
    text.remove_prefix(part.length);
  }
  return bytes;
}

std::string byte_level_from_bytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const unsigned character = kAlphabet.character[static_cast<unsigned char>(byte)];
    if (character < 0x80) {
      text.push_back(static_cast<char>(character));
    } else {
      text.push_back(static_cast<char>(0xC0U | (character >> 6U)));
      text.push_back(static_cast<char>(0x80U | (character & 0x3FU)));
    }
  }
  return text;
}

std::optional<unsigned char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
  if (error != std::errc() || end != token.data() + 5) return std::nullopt;
  return static_cast<unsigned char>(value);
}

std::string decoded_piece(std::string_view entry) { return bytes_from_byte_level(entry).value_or(std::string(entry)); }

}  // namespace quantscope
