// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
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

/// The weights of a model in the groups that its files hold as one tensor: q, k and v, and gate and up, where the
/// family fuses them, else each by itself. The rows of a group's slots follow one another.
std::vector<std::vector<WeightSlot>> stored_slots(const ModelDescription& model);

/// What Hugging Face files call such a group: "model.layers.3.self_attn.qkv_proj.weight"; the slot's own name where it
/// is one.
std::string stored_name(const std::vector<WeightSlot>& slots);

/// Fails with unsupported where a fused projection was left whole because its codes and scales lie in several tensors.
Result<void> check_fused_projections(const std::vector<TensorInfo>& tensors,
                                     const std::vector<std::filesystem::path>& files);

}  // namespace quantscope
