// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/quantization_config.h"
#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// Finds the weights of compressed-tensors (llm-compressor, vLLM). For each module P with N outputs and K inputs:
/// format "pack-quantized": P.weight_packed int32 [N, ceil(K * bits / 32)] of 4 or 8 bits along K, least significant
/// first, stored value = signed value + 2^(bits - 1); P.weight_scale [N, G]; P.weight_shape int64 [2]; asymmetric also
/// P.weight_zero_point int32 [ceil(N * bits / 32), G], packed along N with the same offset. A
/// P.weight_g_idx that reorders groups is refused.
/// format "float-quantized": P.weight F8_E4M3 [N, K]; P.weight_scale [1], [N, 1] or one for each block.
/// Source: compressed-tensors compressors/quantized_compressors/pack_quantized.py and naive_quantized.py.
/// Activations, which some such checkpoints ask to be quantized as well, are not.
Result<void> find_compressed_tensors_weights(const FileTensors& tensors, const QuantizationConfig& config,
                                             QuantizedWeights& found);

}  // namespace quantscope
