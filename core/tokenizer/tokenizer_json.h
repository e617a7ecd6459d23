// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// Names of tokens that tokenizer.json does not tell apart itself; empty where there is none.
struct SpecialTokenNames {
  std::string bos, eos;
};

/// `bos_token` and `eos_token` of tokenizer_config.json.
SpecialTokenNames read_special_names(const nlohmann::json& config);

/// A tokenizer.json (format of Hugging Face tokenizers, version 1.0) with a BPE model. Padding and
/// truncation are ignored. BOS and EOS are the tokens named, else BOS is the first token its template puts before the
/// text.
Result<std::shared_ptr<const Tokenizer>> build_json_tokenizer(const nlohmann::json& root,
                                                              const SpecialTokenNames& names);

}  // namespace quantscope
