// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"
#include "kernels/gate_activation.h"

namespace quantscope {

enum class RopeScaling : std::uint8_t {
  none,
  linear,   ///< all frequencies divided by `factor`
  dynamic,  ///< NTK: none up to the trained context; beyond it results would depend on how a text is cut, so it is
            ///< refused
  yarn,     ///< low frequencies divided, high ones kept, those between blended; scores scaled by attention_factor^2
  llama3,   ///< likewise, with other bounds
};

/// Rotary position embedding. Source: Hugging Face transformers, modeling_rope_utils.py.
struct RopeDescription {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1.0;
  double low_frequency_factor = 1.0;   ///< llama3
  double high_frequency_factor = 4.0;  ///< llama3
  std::int64_t original_context = 8192;
  double beta_fast = 32.0;        ///< yarn: pairs that rotate more often over the original context are kept
  double beta_slow = 1.0;         ///< yarn: pairs that rotate less often are divided
  bool whole_pairs = true;        ///< yarn: the bounds of the blend are rounded to whole pairs (truncate)
  double attention_factor = 1.0;  ///< yarn: what queries and keys are multiplied with where they rotate
  /// GGUF `rope_freqs.weight`: [head_dim / 2] divisors of the base frequencies; replaces the llama3 formula if present.
  std::vector<float> divisors;

  bool operator==(const RopeDescription&) const = default;
};

/// How the attention of one layer differs from that of the others.
struct LayerAttention {
  std::int64_t window = 0;  ///< positions seen, the own one included; 0 = all
  bool rotary = true;       ///< false: no position embedding in this layer

  bool operator==(const LayerAttention&) const = default;
};

/// A decoder-only transformer as its config.json or GGUF metadata describes it. Data, not classes: a family is a set
/// of values of these fields.
struct ModelDescription {
  std::string family;   ///< "llama", see model_families.h
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
  bool qkv_bias = false;
  bool output_bias = false;  ///< of the attention's output projection
  bool mlp_bias = false;
  bool query_key_norm = false;    ///< RMSNorm over each head of q and k before rotation
  bool post_norms = false;        ///< RMSNorm over the outputs of attention and MLP too
  bool scaled_embedding = false;  ///< embeddings times sqrt(hidden)
  float norm_offset = 0.0F;       ///< 1 where stored norm weights are offsets from 1
  GateActivation activation = GateActivation::silu;
  double query_scalar = 0.0;              ///< attention scores are scaled by its inverse root; 0 = head_dim
  float attention_soft_cap = 0.0F;        ///< cap * tanh(score / cap); 0 = none
  float logit_soft_cap = 0.0F;            ///< of the head
  std::vector<LayerAttention> attention;  ///< of each layer; empty = all layers see everything and rotate
  /// Bytes of a value as stored, for a plan without weights: 2 for float16/bfloat16, 4 for float32.
  std::int64_t stored_value_bytes = 2;
  std::vector<std::int32_t> end_ids;  ///< tokens that end generation

  bool operator==(const ModelDescription&) const = default;
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

/// How attention differs in a layer.
LayerAttention layer_attention(const ModelDescription& model, std::int64_t layer);
/// What attention scores of a layer are multiplied with: 1 / sqrt(query scalar), and yarn's factor for q and for k
/// where they rotate.
float attention_scale(const ModelDescription& model, std::int64_t layer);

/// The name of a layer's norm before the MLP; models with norms after attention use Llama's name for those.
std::string_view mlp_norm_name(const ModelDescription& model);

/// All weights in order: embedding, per layer (input_layernorm, q, k, v, norms of q and k, o, post_attention_layernorm,
/// pre_feedforward_layernorm if there are post norms, gate, up, down, post_feedforward_layernorm likewise, with biases
/// after their linear), final norm, head unless tied. q, k, v, gate and up are slots of their own for models that store
/// them fused.
std::vector<WeightSlot> weight_slots(const ModelDescription& model);

/// Checks that sizes are positive, consistent and below 2^31 elements a dimension.
Result<void> validate(const ModelDescription& model, std::string_view where);

}  // namespace quantscope
