// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/layout_writer.h"

namespace quantscope {

/// Writes symmetric codes of 4 or 8 bits in groups along K in the layout of AutoGPTQ, version "gptq" (v1); see
/// gptq_layout.h. Asymmetric ones are refused: readers of v1 disagree about their zero points.
class GptqWriter final : public LayoutWriter {
 public:
  Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const override;
  Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                      SafetensorsWriter& file) const override;
  nlohmann::ordered_json config(const std::vector<LayoutWeight>& weights,
                                const std::vector<std::string>& plain_modules) const override;
};

}  // namespace quantscope
