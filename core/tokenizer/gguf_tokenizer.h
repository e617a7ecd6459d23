// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// A tokenizer from the vocabulary a GGUF file carries. Only byte-level ones (tokenizer.ggml.model "gpt2"), and of
/// these the pre-tokenizers of named_pre_tokenizers(); rules for BOS and EOS as in llama.cpp.
Result<std::shared_ptr<const Tokenizer>> build_gguf_tokenizer(const GgufVocabulary& vocabulary);

}  // namespace quantscope
