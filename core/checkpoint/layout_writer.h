// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/safetensors_writer.h"
#include "kernels/quantized_tensor.h"

namespace quantscope {

/// What a layout needs to know of a quantized weight before its codes exist.
struct LayoutWeight {
  std::string name;  ///< "model.layers.0.self_attn.q_proj.weight"
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  WeightFormat format;
  DataType source_type = DataType::bf16;  ///< fp32, fp16 or bf16: what the weight was before
};

/// How one layout of Hugging Face checkpoints keeps quantized weights; the counterpart of the readers in
/// quantized_layouts.h.
class LayoutWriter {
 public:
  virtual ~LayoutWriter() = default;

  /// The tensors that a weight becomes, with their sizes. Fails with unsupported, naming the weight, where the layout
  /// cannot hold it.
  virtual Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const = 0;
  /// Appends the bytes of those tensors in that order.
  virtual Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                              SafetensorsWriter& file) const = 0;
  /// The quantization_config of config.json. `plain_modules` are the linears that were left as they are.
  virtual nlohmann::ordered_json config(const std::vector<LayoutWeight>& weights,
                                        const std::vector<std::string>& plain_modules) const = 0;
};

/// "model.layers.0.self_attn.q_proj" of a weight's name.
std::string module_of(std::string_view weight_name);

}  // namespace quantscope
