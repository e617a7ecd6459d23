// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/folder_writer.h"
#include "kernels/error.h"

namespace quantscope {

/// The tokenizer.json and tokenizer_config.json that do what a GGUF vocabulary does; none for a vocabulary without
/// tokens. The counterpart of gguf_vocabulary.h, which makes the same vocabulary from them: unused tokens that only
/// fill it up are left out, and scores of model "llama" become the order of merges, as in transformers' converter of
/// SentencePiece. Fails with unsupported where JSON or the pipeline of tokenizer.json cannot hold it.
Result<std::vector<FolderText>> hugging_face_tokenizer(const GgufVocabulary& vocabulary);

}  // namespace quantscope
