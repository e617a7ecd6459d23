// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>

#include "kernels/error.h"

/// The one decoder of UTF-8: whether bytes are text, and where not.
namespace quantscope {

/// U+FEFF in UTF-8, which some editors put before a text.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

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
/// The same of bytes that may be many: a stop is answered between pieces of them, with cancelled.
Result<std::size_t> valid_utf8_prefix(std::string_view bytes, const std::stop_token& stop);

/// Whether all of it is. Names read from files end up in messages and JSON, which must stay valid.
bool is_utf8(std::string_view bytes);

/// Bytes that belong to no character: how many, and where the first is.
struct InvalidUtf8 {
  std::size_t bytes = 0;  ///< 0: none
  std::size_t first = 0;
};
/// A stop is answered between pieces of the bytes, with cancelled.
Result<InvalidUtf8> find_invalid_utf8(std::string_view bytes, const std::stop_token& stop = {});

/// `bytes` with each maximal invalid part replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view bytes);

/// The code point of one valid character.
char32_t code_point(std::string_view character);

}  // namespace quantscope
