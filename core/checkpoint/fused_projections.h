// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "core/checkpoint/checkpoint.h"

namespace quantscope {

/// Replaces each stored self_attn.qkv_proj and mlp.gate_up_proj (Phi-3) by the tensors q_proj, k_proj, v_proj and
/// gate_proj, up_proj, which are ranges of its rows: the same bytes, no copy. Everything after this, from the choice of
/// formats to the memory ledger, treats them as linears of their own. For INT8 by row and for flat blocks that divide
/// the row length, codes and scales are those of the fused matrix, as bitsandbytes would quantize it; only the second
/// quantization of the scales (double quantization) takes each part by itself, where bitsandbytes takes the whole.
/// Source of the order of rows: transformers, models/phi3/modeling_phi3.py. A tensor whose rows do not add up is left
/// as it is, and is then missing as q_proj.
void split_fused_projections(const ModelDescription& model, std::vector<TensorInfo>& tensors);

}  // namespace quantscope
