// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "kernels/error.h"

namespace quantscope {

/// The vocabulary of a checkpoint in the form that GGUF files have: its own if it came from one, else made from
/// tokenizer.json, tokenizer_config.json and chat_template.jinja. Empty where the checkpoint has no tokenizer. Fails
/// with unsupported for tokenizers other than BPE, byte-level or in the manner of SentencePiece
/// (sentencepiece_vocabulary.h), and for splits that GGUF has no name for. Source:
/// llama.cpp, conversion/base.py (get_vocab_base) and gguf-py/gguf/vocab.py.
Result<GgufVocabulary> gguf_vocabulary(const Checkpoint& checkpoint);

}  // namespace quantscope
