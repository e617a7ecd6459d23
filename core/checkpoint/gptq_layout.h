// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/quantization_config.h"
#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// Finds GPTQ's weights of 2, 3, 4 and 8 bits in the layout of AutoGPTQ. For each module P with K inputs, N outputs and
/// G = ceil(K / group) groups: P.qweight int32 [K * bits / 32, N], codes packed along K, least significant bit first;
/// P.qzeros int32 [G, N * bits / 32], zero points packed along N, less one in the versions "gptq" (v1); P.scales
/// [G, N]; P.g_idx int32 [K], the group of each input (may be missing where it is k / group). Source: AutoGPTQ
/// nn_modules/qlinear/qlinear_cuda_old.py; GPTQModel utils/model.py for the versions.
///
/// How v1 takes the one off differs where a zero point was 0: this follows GPTQModel, which adds to whole words; for 3
/// bits GPTQModel's words are not one per zero point, so they are added only to files that it wrote.
Result<void> find_gptq_weights(const FileTensors& tensors, const QuantizationConfig& config, QuantizedWeights& found);

}  // namespace quantscope
