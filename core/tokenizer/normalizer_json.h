// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/tokenizer/normalizer.h"
#include "kernels/error.h"

namespace quantscope {

/// `normalizer` of tokenizer.json: null, NFC, NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace or a Sequence of
/// these. Source: tokenizers/src/normalizers of Hugging Face tokenizers.
Result<Normalizer> read_normalizer(const nlohmann::json& value);

}  // namespace quantscope
