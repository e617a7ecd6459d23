// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tokenizer/added_tokens.h"
#include "kernels/error.h"

namespace quantscope {

/// The bytes of each id, from the model's vocabulary (byte-level text and id). Ids of added tokens get room too, but
/// their bytes are left to the caller. Fails if ids are negative or so far apart that the table would be out of
/// proportion to the file.
Result<std::vector<std::string>> vocabulary_pieces(
    std::span<const std::pair<std::string_view, std::int32_t>> vocabulary, std::span<const AddedToken> added);

}  // namespace quantscope
