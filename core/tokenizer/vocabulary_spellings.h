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

/// The token of each id as the file spells it, from the model's vocabulary (token and id) and the added tokens; empty
/// where an id has none. Fails if ids are negative or so far apart that the table would be out of proportion to the
/// file.
Result<std::vector<std::string>> vocabulary_spellings(
    std::span<const std::pair<std::string_view, std::int32_t>> vocabulary, std::span<const AddedToken> added);

}  // namespace quantscope
