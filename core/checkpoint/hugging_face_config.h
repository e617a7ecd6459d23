// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include "core/checkpoint/model_description.h"

namespace quantscope {

/// The config.json of a model that came without one, in the style of transformers 4, which 5 reads too. The number type
/// is left to the writer. Rope divisors (GGUF's rope_freqs.weight) must be those of Llama 3's scaling. Fails with
/// unsupported where the fields of the family cannot say what the model does: what is written reads back the same.
Result<nlohmann::ordered_json> hugging_face_config(const ModelDescription& model);

}  // namespace quantscope
