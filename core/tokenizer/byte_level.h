// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quantscope {

/// Byte-level vocabularies spell each byte as one printable character: itself where it is printable ASCII or Latin-1,
/// else U+0100 and up in order ("Ġ" is the space). Source: bytes_to_unicode() of GPT-2's encoder.py.

/// The bytes that byte-level text stands for; empty if a character is not of that alphabet.
std::optional<std::string> bytes_from_byte_level(std::string_view text);

/// The byte-level spelling of bytes.
std::string byte_level_from_bytes(std::string_view bytes);

/// The byte that SentencePiece's token "<0x0A>" stands for; empty if `token` is not of that form.
std::optional<unsigned char> byte_of_token(std::string_view token);

/// What a decoder writes for a vocabulary entry: its bytes, or the entry as it stands if it is not byte-level text.
std::string decoded_piece(std::string_view entry);

}  // namespace quantscope
