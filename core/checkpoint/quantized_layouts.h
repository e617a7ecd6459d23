// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string_view>

#include "core/checkpoint/quantization_config.h"
#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// Finds the quantized weights of a Hugging Face checkpoint and says in which layout each lies. The layout is that of
/// quantization_config; bitsandbytes is also recognized by its tensors alone, as they describe themselves. Fails with
/// unsupported, by name, for methods that are not read, and with corrupt_file or not_found for parts that are missing
/// or do not fit one another.
Result<QuantizedWeights> find_quantized_weights(const FileTensors& tensors, const QuantizationConfig* config);

/// Fails with unsupported, by name, unless this quant_method is read.
Result<void> check_quantization_method(const QuantizationConfig& config);

}  // namespace quantscope
