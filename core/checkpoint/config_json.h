// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "core/checkpoint/model_description.h"

namespace quantscope {

/// The model that a Hugging Face config.json describes, validated. Reads both styles: rope_theta, rope_scaling and
/// torch_dtype (transformers 4) and rope_parameters and dtype (transformers 5). Missing fields take the defaults of
/// the family's configuration class in transformers. Fails with unsupported, by name, for other architectures,
/// activations and rope types. `name` and `license` are left empty. `file` is for messages.
Result<ModelDescription> describe_config(const nlohmann::json& config, const std::filesystem::path& file);

/// The end tokens that a config.json or generation_config.json names; empty where it names none.
Result<std::vector<std::int32_t>> read_end_ids(const nlohmann::json& config, const std::filesystem::path& file);

}  // namespace quantscope
