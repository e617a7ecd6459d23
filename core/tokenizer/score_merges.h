// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "core/tokenizer/bpe_model.h"
#include "kernels/error.h"

namespace quantscope {

/// The merges of a SentencePiece vocabulary, which has scores instead: two neighbouring tokens may become the token
/// that their joined text is; the one with the highest score goes first, among equals the leftmost (SentencePiece's
/// bpe_model.cc, llama.cpp's llm_tokenizer_spm). Sets `merges` and `ranks` of `source`, which point into `tokens`.
/// Without scores all are equal. A character that is no token by itself is never part of a longer one.
///
/// Fails if a score is not a number, or if tokens are so long that the merges would be out of proportion to the file.
Result<void> add_score_merges(std::span<const std::string> tokens, std::span<const float> scores, BpeSource& source);

}  // namespace quantscope
