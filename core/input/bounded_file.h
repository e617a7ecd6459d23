// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// The bytes of a regular file of at most `most` bytes; a larger one is refused by its size, before anything is read.
/// `kind` says in messages what it should be: "dataset file". Fails with not_found, invalid_argument (no regular file),
/// unsupported (too large) or io.
Result<std::string> read_bounded_file(const std::filesystem::path& path, std::uintmax_t most, std::string_view kind);

/// The bytes of a stream whose size cannot be known before, such as standard input; reading ends where they exceed
/// `most`. `name` is for messages.
Result<std::string> read_bounded_stream(std::istream& stream, std::uintmax_t most, std::string_view name);

}  // namespace quantscope
