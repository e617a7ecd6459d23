// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/tokenizer/pre_tokenizer.h"
#include "kernels/error.h"

namespace quantscope {

/// What `pre_tokenizer` of tokenizer.json asks for.
struct PreTokenizerSpec {
  PreTokenizer steps;
  bool byte_level = false;  ///< the vocabulary spells bytes (see byte_level.h); else it spells characters
};

/// null, ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, Metaspace or a
/// Sequence of these in which ByteLevel comes last. Source: tokenizers/src/pre_tokenizers of Hugging Face tokenizers.
Result<PreTokenizerSpec> read_pre_tokenizer(const nlohmann::json& value);

/// `prepend_scheme` of a Metaspace component; older files say `add_prefix_space` instead.
Result<PrependScheme> read_prepend_scheme(const nlohmann::json& value);

}  // namespace quantscope
