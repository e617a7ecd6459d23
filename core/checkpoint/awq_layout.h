// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/quantization_config.h"
#include "core/checkpoint/stored_weight.h"

namespace quantscope {

/// Nibble of a 32-bit word that holds column n of AWQ's "gemm" layout, for n = 0..7.
inline constexpr int awq_nibbles[8] = {0, 4, 1, 5, 2, 6, 3, 7};

/// Finds AWQ's 4-bit weights. For each module P with K inputs, N outputs and K / group groups:
/// version "gemm": P.qweight int32 [K, N / 8] and P.qzeros int32 [K / group, N / 8], packed along N in the order of
/// awq_nibbles; P.scales [K / group, N]. Version "gemv": P.qweight int32 [N, K / 8] and P.qzeros int32 [N, W], packed
/// along K and the groups in order; P.scales [N, 8 W], both padded to W words. Zero points are stored as they are.
/// Source: AutoAWQ modules/linear/gemm.py and gemv.py.
Result<void> find_awq_weights(const FileTensors& tensors, const QuantizationConfig& config, QuantizedWeights& found);

}  // namespace quantscope
