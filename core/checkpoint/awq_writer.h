// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/layout_writer.h"

namespace quantscope {

/// Writes 4-bit codes in groups along K, with zero points or symmetric, in AWQ's layout "gemm"; see awq_layout.h.
class AwqWriter final : public LayoutWriter {
 public:
  Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const override;
  Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                      SafetensorsWriter& file) const override;
  nlohmann::ordered_json config(const std::vector<LayoutWeight>& weights,
                                const std::vector<std::string>& plain_modules) const override;
};

}  // namespace quantscope
