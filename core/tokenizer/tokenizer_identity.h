// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// Tells tokenizers apart in results: XXH3-128, as 32 hex digits, of the ids of a fixed text of many scripts, spaces
/// and signs, with BOS and EOS as the tokenizer's own rule says. What a tokenizer does counts, not the file that
/// defines it: the same vocabulary has one identity as tokenizer.json and in GGUF. Tokenizers that differ only in words
/// which the text lacks share an identity; the number of tokens of each prompt tells more of them apart.
std::string tokenizer_identity(const Tokenizer& tokenizer);

}  // namespace quantscope
