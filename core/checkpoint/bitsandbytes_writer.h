// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/layout_writer.h"

namespace quantscope {

/// Writes NF4 and FP4 (plain or with double quantization) and LLM.int8() weights as bitsandbytes does; see
/// bitsandbytes_4bit.h and bitsandbytes_8bit.h. All weights of one folder have the same format.
class BitsandbytesWriter final : public LayoutWriter {
 public:
  explicit BitsandbytesWriter(ComputeType compute) : compute_(compute) {}

  Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const override;
  Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                      SafetensorsWriter& file) const override;
  nlohmann::ordered_json config(const std::vector<LayoutWeight>& weights,
                                const std::vector<std::string>& plain_modules) const override;

 private:
  ComputeType compute_;
};

}  // namespace quantscope
