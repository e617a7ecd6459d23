// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"

namespace quantscope {

enum class RopeScaling : std::uint8_t { none, llama3 };

/// Rotary position embedding. Source: Hugging Face transformers, modeling_rope_utils.py.
struct RopeDescription {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1.0;
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  std::int64_t original_context = 8192;
  /// GGUF `rope_freqs.weight`: [head_dim / 2] divisors of the base frequencies; replaces the llama3 formula if present.
  std::vector<float> divisors;
};

/// A decoder-only transformer as its config.json or GGUF metadata describes it. Data, not classes: a family is a set
/// of values of these fields.
struct ModelDescription {
  std::string family;   ///< "llama"
  std::string name;     ///< general.name, or the folder's name
  std::string license;  ///< as stated by the checkpoint; empty if not
  std::int64_t vocabulary = 0;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t context = 0;  ///< trained context length, tokens
  float norm_epsilon = 1e-5F;
  RopeDescription rope;
  bool tied_head = false;
  bool attention_bias = false;
  bool mlp_bias = false;
  /// Bytes of a value as stored, for a plan without weights: 2 for float16/bfloat16, 4 for float32.
  std::int64_t stored_value_bytes = 2;
  std::vector<std::int32_t> end_ids;  ///< tokens that end generation
};

/// What a weight is for; decides its ledger row and whether it is in scope for quantization.
enum class WeightRole : std::uint8_t { embedding, head, norm, linear, bias };

/// One weight a model of this description has, under its Hugging Face name ("model.layers.0.self_attn.q_proj.weight").
struct WeightSlot {
  std::string name;
  WeightRole role = WeightRole::linear;
  std::int64_t layer = -1;  ///< -1 outside the blocks
  std::int64_t rows = 0;    ///< output features; 1 for vectors
  std::int64_t columns = 0;
};

/// All weights in order: embedding, per layer (input_layernorm, q, k, v, o, post_attention_layernorm, gate, up, down,
/// with biases after their linear), final norm, head unless tied.
std::vector<WeightSlot> weight_slots(const ModelDescription& model);

/// Checks that sizes are positive, consistent and below 2^31 elements a dimension.
Result<void> validate(const ModelDescription& model, std::string_view where);

}  // namespace quantscope
