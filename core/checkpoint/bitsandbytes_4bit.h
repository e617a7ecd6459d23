// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// Finds the weights that bitsandbytes stored as NF4 or FP4. For each module P: P.weight (packed codes, of any dtype),
/// .absmax, .quant_map, .quant_state.bitsandbytes__nf4 or __fp4 (JSON) and, under double quantization, .nested_absmax
/// and .nested_quant_map. Source: bitsandbytes functional.py, QuantState.as_dict and from_dict.
///
/// TensorInfo::type becomes the type of the values before quantization.
///
/// An absmax that is not one-dimensional float32 or uint8 is refused: bitsandbytes writes such ones when a model is
/// saved after it ran on the CPU, and they are not what was quantized.
Result<void> find_bitsandbytes_4bit(const FileTensors& tensors, QuantizedWeights& found);

}  // namespace quantscope
