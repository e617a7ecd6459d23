// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/core/checkpoint/small_checkpoints.h"

namespace quantscope::testing {

std::string zeros(std::size_t bytes);

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// One module `layer` of 32 outputs and 64 inputs in one layout of quantized weights, whole and well formed.
struct SmallLayout {
  std::string name;
  std::vector<SafetensorsEntry> entries;
  nlohmann::json config;  ///< quantization_config; null where the tensors describe themselves
};

SmallLayout nf4_layout(bool nested);
SmallLayout int8_layout();
SmallLayout gptq_layout();
/// Of version "gemm" or "gemv".
SmallLayout awq_layout(const char* version);
SmallLayout compressed_layout();
SmallLayout fp8_layout();
/// One of each.
std::vector<SmallLayout> small_layouts();

}  // namespace quantscope::testing
