// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/checkpoint/model_families.h"

namespace quantscope {

/// The Hugging Face name of a GGUF tensor ("blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"), or the
/// name itself where there is none. Families with norms after attention and MLP call ffn_norm otherwise, and those with
/// fused projections keep gate and up in ffn_up. Source: llama.cpp, gguf-py/gguf/tensor_mapping.py.
std::string hugging_face_name(std::string_view gguf_name, const Family& family);

/// The other way round: the GGUF name of a weight of the model, or the name itself where there is none.
std::string gguf_name(std::string_view hugging_face_name, const Family& family);

}  // namespace quantscope
