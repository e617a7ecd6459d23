// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// The text of a file for perplexity or KL divergence: `bytes` without a byte order mark, which is no part of a text.
/// Refuses what is empty, holds zero bytes or is not UTF-8, with the number of bad bytes and the offset of the first:
/// the figures of a repaired text would be those of another one. `file` is for messages.
Result<std::string_view> plain_text(std::string_view bytes, std::string_view file, const std::stop_token& stop = {});

}  // namespace quantscope
