// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "kernels/error.h"

namespace quantscope {

/// The ids put around a single text.
struct TextFrame {
  std::vector<std::int32_t> prefix, suffix;
};

/// `post_processor` of tokenizer.json: null, ByteLevel (which changes offsets only), TemplateProcessing,
/// RobertaProcessing, BertProcessing or a Sequence of these.
Result<TextFrame> read_post_processor(const nlohmann::json& value);

}  // namespace quantscope
