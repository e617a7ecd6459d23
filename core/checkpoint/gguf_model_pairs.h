// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/gguf_writer.h"
#include "core/checkpoint/model_description.h"

namespace quantscope {

/// Fails with unsupported, naming what it is, where GGUF files of the model's family have no key for something that
/// changes its results: windows or rotation of single layers, dynamic rope scaling, biases that llama.cpp does not
/// read, and the like. What passes reads back as the same model.
Result<void> check_gguf_can_describe(const ModelDescription& model);

/// general.* and the keys of the architecture, as llama.cpp's converter writes them. `linears` decides
/// general.file_type. Precondition: check_gguf_can_describe().
void add_model_pairs(GgufPairs& pairs, const ModelDescription& model, GgmlType linears);

/// The divisors of the rope frequencies that `rope_freqs.weight` holds, [head_dim / 2]; empty where none is needed.
/// Source: llama.cpp, conversion/llama.py.
std::vector<float> gguf_rope_divisors(const ModelDescription& model);

}  // namespace quantscope
