// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_writer.h"

namespace quantscope {

/// tokenizer.*. Missing tokens up to `vocabulary_size` are added as unused ones. Fails with invalid_argument when there
/// are more tokens than that.
Result<void> add_vocabulary_pairs(GgufPairs& pairs, const GgufVocabulary& vocabulary, std::int64_t vocabulary_size);

}  // namespace quantscope
