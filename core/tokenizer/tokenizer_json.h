// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// Names of tokens that tokenizer.json does not tell apart itself; empty where there is none.
struct SpecialTokenNames {
  std::string bos, eos;
};

/// `bos_token` and `eos_token` of tokenizer_config.json.
Result<SpecialTokenNames> parse_tokenizer_config(std::string_view text);

/// A tokenizer.json (format of Hugging Face tokenizers, version 1.0) with a byte-level BPE model. Padding and
/// truncation are ignored. BOS and EOS are the tokens named, else BOS is the first token its template puts before the
/// text.
Result<std::shared_ptr<const Tokenizer>> parse_tokenizer_json(std::string_view text, const SpecialTokenNames& names);

}  // namespace quantscope
