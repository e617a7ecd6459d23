// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "kernels/progress.h"

namespace quantscope::cli {

/// Progress with rate and ETA on standard error: one rewritten line on a terminal, a line per stage when piped.
ProgressFn console_progress();

/// Prints a JSON document on standard output.
void print_json(const nlohmann::json& document);

/// Left-aligned first column, right-aligned others.
void print_table(const std::vector<std::vector<std::string>>& rows);

/// Bytes of what a command reads unless it says otherwise.
inline constexpr std::uintmax_t largest_argument = std::uintmax_t{64} << 20U;

/// A text argument; one that starts with "@" is read from that file, "-" from standard input.
Result<std::string> text_argument(const std::string& argument);
/// The content of a file or pipe; "-" is standard input. A file of more than `most` bytes is refused unread.
Result<std::string> file_argument(const std::string& path, std::uintmax_t most = largest_argument);

/// "12.34 MiB"
std::string mebibytes(std::int64_t bytes);

}  // namespace quantscope::cli
