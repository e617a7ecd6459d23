// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// Finds the weights of LLM.int8() that bitsandbytes stored. For each module P: P.weight (int8 [out, in]), P.SCB
/// (float32 [out], the absmax of each row) and, since 0.37, P.weight_format (uint8, 0 for row-major; the layouts 1 to 3
/// of old GPUs are refused). Source: bitsandbytes nn/modules.py, Linear8bitLt.
Result<void> find_bitsandbytes_8bit(const FileTensors& tensors, QuantizedWeights& found);

}  // namespace quantscope
