// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "core/checkpoint/checkpoint.h"
#include "kernels/error.h"

namespace quantscope {

/// True for a tokenizer.json that does what SentencePiece's BPE does: characters with byte fallback.
bool is_sentencepiece_style(const nlohmann::json& root);

/// Fills what GGUF's model "llama" has beside tokens and their types, which are there already: types of byte and
/// unknown tokens, add_space_prefix, and scores. SentencePiece merges into the token of the highest score first, so
/// tokens get 0, -1, -2 ... in the order in which `merges` makes them, and the lowest of all if no merge makes them.
/// Fails with unsupported where normalizer and pre_tokenizer do more than put U+2581 for spaces and before the text, or
/// where the merges of a token are apart.
Result<void> add_sentencepiece_parts(const nlohmann::json& root, const std::filesystem::path& file,
                                     GgufVocabulary& vocabulary);

}  // namespace quantscope
