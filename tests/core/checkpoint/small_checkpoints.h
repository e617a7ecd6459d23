// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/gguf_builder.h"
#include "tests/support/temporary_folder.h"

namespace quantscope::testing {

/// Sizes of the synthetic Llama of these tests.
inline constexpr std::int64_t small_vocabulary = 8, small_hidden = 32, small_intermediate = 64, small_layers = 2,
                              small_heads = 4, small_kv_heads = 2, small_head_dim = 8;

/// Value of element (row, column) of tensor number `tensor`; distinct in every row and exact in fp16.
float small_value(std::size_t tensor, std::int64_t row, std::int64_t column);

/// A whole GGUF model of F32 tensors with a vocabulary, Q and K in GGUF's row order.
GgufBuilder small_gguf();

/// One tensor of a safetensors file.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string data;
};
std::string safetensors_file(const std::vector<SafetensorsEntry>& entries);
/// Length and header text, without data.
std::string safetensors_file(std::string_view header_text);

/// The config.json of the same Llama, and its tensors as Hugging Face stores them.
std::string small_config();
std::vector<SafetensorsEntry> small_tensors();

}  // namespace quantscope::testing
