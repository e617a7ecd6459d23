// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// Writes bytes to `path` whole or not at all: a temporary file beside it, flushed, renamed over it.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace quantscope
