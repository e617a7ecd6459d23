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

/// NF4 and FP4 (plain or with double quantization) and LLM.int8() weights as bitsandbytes keeps them; see
/// bitsandbytes_4bit.h and bitsandbytes_8bit.h. All weights of one folder have the same format.
std::unique_ptr<LayoutWriter> bitsandbytes_writer(ComputeType compute);

/// Symmetric codes of 4 or 8 bits in groups along K in the layout of AutoGPTQ, version "gptq" (v1); see gptq_layout.h.
/// Asymmetric ones are refused: readers of v1 disagree about their zero points.
std::unique_ptr<LayoutWriter> gptq_writer();

/// 4-bit codes in groups along K, with zero points or symmetric, in AWQ's layout "gemm"; see awq_layout.h.
std::unique_ptr<LayoutWriter> awq_writer();

/// "model.layers.0.self_attn.q_proj" of a weight's name.
std::string module_of(std::string_view weight_name);

}  // namespace quantscope
