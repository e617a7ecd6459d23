// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/tokenizer/token_decoder.h"
#include "kernels/error.h"

namespace quantscope {

/// `decoder` of tokenizer.json: null, ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace or a Sequence of these.
Result<TokenDecoder> read_token_decoder(const nlohmann::json& value);

}  // namespace quantscope
