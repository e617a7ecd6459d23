// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/core/checkpoint/stored_layers.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/cpu/reference/decode.h"
#include "kernels/memory_checks.h"

namespace quantscope::testing {

StoredLayers read_layers(const std::filesystem::path& file, const nlohmann::json& config) {
  auto shards = open_single_safetensors(file);
  if (!shards) throw std::runtime_error(shards.error().message);
  auto kept = std::make_unique<SafetensorsShards>(std::move(*shards));
  const FileTensors tensors(kept->tensors, kept->files);
  if (config.is_null()) return {std::move(kept), find_quantized_weights(tensors, nullptr)};
  const QuantizationConfig quantization(config, "config.json");
  return {std::move(kept), find_quantized_weights(tensors, &quantization)};
}

std::vector<float> decoded(const QuantizedWeights::Weight& weight) { return decoded(weight, weight.info.rows()); }

std::vector<float> decoded(const QuantizedWeights::Weight& weight, std::int64_t rows_at_once) {
  const std::int64_t rows = weight.info.rows(), columns = weight.info.columns();
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (std::int64_t row = 0; row < rows; row += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, rows - row);
    const auto part =
        std::span(values).subspan(static_cast<std::size_t>(row * columns), static_cast<std::size_t>(count * columns));
    if (auto done = weight.stored->decode_rows(row, count, part); !done) throw std::runtime_error(done.error().message);
  }
  return values;
}

std::vector<float> decoded_as_stored(const QuantizedWeights::Weight& weight) {
  MemoryLedger ledger;
  const auto tensor = weight.stored->read(ledger, MemoryTag::codes);
  if (!tensor) throw std::runtime_error(tensor.error().message);
  if (auto valid = check_parts(*tensor); !valid) throw std::runtime_error(valid.error().message);
  std::vector<float> values(static_cast<std::size_t>(tensor->rows * tensor->columns));
  reference::decode_rows(*tensor, 0, tensor->rows, values);
  return values;
}

}  // namespace quantscope::testing
