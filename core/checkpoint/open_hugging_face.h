// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/quantization_config.h"

namespace quantscope {

/// Opens a folder with config.json and, beside it, model.safetensors, model.safetensors.index.json with its shards, or
/// exactly one other .safetensors file. A folder without any weights is a plan. The tokenizer is tokenizer.json.
Result<std::shared_ptr<const Checkpoint>> open_hugging_face_folder(const std::filesystem::path& folder);

/// Opens a config.json alone, as a plan without tensors. The tokenizer beside it, if any, goes with it.
Result<std::shared_ptr<const Checkpoint>> open_config(const std::filesystem::path& path);

/// Opens the tensors of one .safetensors file without a model, and, where it is known, with what the config.json beside
/// it would say about their quantization.
Result<std::shared_ptr<const Checkpoint>> open_safetensors(const std::filesystem::path& path,
                                                           const QuantizationConfig* quantization = nullptr);

}  // namespace quantscope
