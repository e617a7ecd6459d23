// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_writer.h"

namespace quantscope {

/// general.* and llama.*, as llama.cpp's converter writes them. `linears` decides general.file_type.
void add_model_pairs(GgufPairs& pairs, const ModelDescription& model, GgmlType linears);

/// tokenizer.*. Missing tokens up to `vocabulary_size` are added as unused ones. Fails with invalid_argument when there
/// are more tokens than that.
Result<void> add_vocabulary_pairs(GgufPairs& pairs, const GgufVocabulary& vocabulary, std::int64_t vocabulary_size);

/// The divisors of the rope frequencies that `rope_freqs.weight` holds, [head_dim / 2]; empty where none is needed.
/// Source: llama.cpp, conversion/llama.py.
std::vector<float> gguf_rope_divisors(const ModelDescription& model);

}  // namespace quantscope
