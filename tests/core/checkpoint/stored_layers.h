// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/checkpoint/quantized_layouts.h"
#include "core/checkpoint/safetensors_shards.h"

namespace quantscope::testing {

/// The quantized weights of one safetensors file, read as a part of a checkpoint with this quantization_config.
struct StoredLayers {
  std::unique_ptr<SafetensorsShards> shards;  ///< whose bytes the weights refer to
  Result<QuantizedWeights> found;
};
/// Without a config when it is null. Throws std::runtime_error when the file itself cannot be opened.
StoredLayers read_layers(const std::filesystem::path& file, const nlohmann::json& config);

/// All values of a weight, decoded in one call, and in calls of `rows_at_once` rows.
std::vector<float> decoded(const QuantizedWeights::Weight& weight);
std::vector<float> decoded(const QuantizedWeights::Weight& weight, std::int64_t rows_at_once);
/// All values of what the device would be given: the weight as stored, decoded by the plain loops.
std::vector<float> decoded_as_stored(const QuantizedWeights::Weight& weight);

}  // namespace quantscope::testing
