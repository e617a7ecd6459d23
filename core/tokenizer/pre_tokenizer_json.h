// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/tokenizer/pre_tokenizer.h"
#include "kernels/error.h"

namespace quantscope {

/// `pre_tokenizer` of tokenizer.json: ByteLevel, alone or at the end of a Sequence of Split and Digits.
Result<PreTokenizer> read_pre_tokenizer(const nlohmann::json& value);

/// True if `normalizer` asks for NFC, false if it is null; others are refused.
Result<bool> read_nfc(const nlohmann::json& normalizer);

/// Refuses a `decoder` other than ByteLevel (Fuse beside it changes nothing).
Result<void> check_decoder(const nlohmann::json& decoder);

}  // namespace quantscope
