// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// A tokenizer from the vocabulary a GGUF file carries: byte-level BPE (tokenizer.ggml.model "gpt2") with one of
/// named_pre_tokenizers(), or SentencePiece's BPE ("llama"). Rules and defaults as in llama.cpp's llama-vocab.cpp.
Result<std::shared_ptr<const Tokenizer>> build_gguf_tokenizer(const GgufVocabulary& vocabulary);

}  // namespace quantscope
