// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/config_fields.h"
#include "core/checkpoint/model_families.h"

namespace quantscope {

/// Reads sliding windows, layers without rotary embedding, soft caps and the score scale of a config.json;
/// model.layers must be known and sane.
void read_config_attention(ConfigFields& fields, const Family& family, ModelDescription& model);

/// The layers of a family with this window (0 = none); `last_from` is max_window_layers.
std::vector<LayerAttention> attention_layers(const Family& family, std::int64_t layers, std::int64_t window,
                                             std::int64_t last_from, std::int64_t no_rope_interval);

}  // namespace quantscope
