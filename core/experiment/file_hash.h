// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// XXH3-128 of bytes as 32 hex digits: identifies a text in results.
std::string hash_bytes(std::string_view bytes);
/// The same of a file's bytes, read piece by piece; `passed_over` is left out where the file begins with it. Fails
/// where the file is missing or cannot be read; cancelled when stopped.
Result<std::string> hash_file(const std::filesystem::path& path, const std::stop_token& stop = {},
                              std::string_view passed_over = {});

}  // namespace quantscope
