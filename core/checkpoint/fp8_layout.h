// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/quantization_config.h"
#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// An FP8 (E4M3) weight [N, K] with its scales, the value being code * scale.
struct Fp8Parts {
  const FileTensor* weight = nullptr;
  const FileTensor* scale = nullptr;
};

/// Enters an FP8 weight. The shape of the scales says what shares one: [] or [1] the matrix, [N] or [N, 1] each row,
/// [ceil(N / tile), ceil(K / tile)] each tile if `tile` is positive. Scales are F32, BF16 or F16.
Result<void> add_fp8_weight(const FileTensors& tensors, const Fp8Parts& parts, std::int64_t tile,
                            std::string_view layout, QuantizedWeights& found);

/// Finds the weights of quant_method "fp8" (transformers FineGrainedFP8Config; DeepSeek-V3, Qwen3): P.weight F8_E4M3
/// with P.weight_scale_inv, one scale (not its inverse, whatever the name says) for each tile of weight_block_size.
/// Activations, which such checkpoints ask to be quantized as well, are not.
Result<void> find_fp8_weights(const FileTensors& tensors, const QuantizationConfig& config, QuantizedWeights& found);

}  // namespace quantscope
