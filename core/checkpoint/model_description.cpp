// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/model_description.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

namespace quantscope {
namespace {

/// Far above any real model; keeps a hostile description from asking for millions of weights.
constexpr std::int64_t max_layers = 10'000;
constexpr std::int64_t max_dimension = std::numeric_limits<std::int32_t>::max();
/// Sums of bytes over all weights stay far inside 64 bits below this.
constexpr double max_total_values = 1e15;

struct SizeField {
  std::string_view name;
  std::int64_t ModelDescription::*value;
  std::int64_t limit;
};
constexpr std::array<SizeField, 8> size_fields = {{
    {"vocabulary size", &ModelDescription::vocabulary, max_dimension},
    {"hidden size", &ModelDescription::hidden, max_dimension},
    {"intermediate size", &ModelDescription::intermediate, max_dimension},
    {"number of layers", &ModelDescription::layers, max_layers},
    {"number of attention heads", &ModelDescription::heads, max_dimension},
    {"number of key/value heads", &ModelDescription::kv_heads, max_dimension},
    {"head size", &ModelDescription::head_dim, max_dimension},
    {"context length", &ModelDescription::context, max_dimension},
}};

class SlotList {
 public:
  explicit SlotList(std::vector<WeightSlot>& slots) : slots_(slots) {}

  void vector(std::string name, WeightRole role, std::int64_t layer, std::int64_t columns) {
    slots_.push_back({std::move(name), role, layer, 1, columns});
  }
  void linear(const std::string& stem, std::int64_t layer, std::int64_t rows, std::int64_t columns, bool bias) {
    slots_.push_back({stem + ".weight", WeightRole::linear, layer, rows, columns});
    if (bias) vector(stem + ".bias", WeightRole::bias, layer, rows);
  }

 private:
  std::vector<WeightSlot>& slots_;
};

void add_layer(SlotList& slots, const ModelDescription& model, std::int64_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const std::int64_t query = model.heads * model.head_dim, key = model.kv_heads * model.head_dim;
  slots.vector(prefix + "input_layernorm.weight", WeightRole::norm, layer, model.hidden);
  slots.linear(prefix + "self_attn.q_proj", layer, query, model.hidden, model.qkv_bias);
  slots.linear(prefix + "self_attn.k_proj", layer, key, model.hidden, model.qkv_bias);
  slots.linear(prefix + "self_attn.v_proj", layer, key, model.hidden, model.qkv_bias);
  if (model.query_key_norm) {
    slots.vector(prefix + "self_attn.q_norm.weight", WeightRole::norm, layer, model.head_dim);
    slots.vector(prefix + "self_attn.k_norm.weight", WeightRole::norm, layer, model.head_dim);
  }
  slots.linear(prefix + "self_attn.o_proj", layer, model.hidden, query, model.output_bias);
  slots.vector(prefix + "post_attention_layernorm.weight", WeightRole::norm, layer, model.hidden);
  if (model.post_norms)
    slots.vector(prefix + "pre_feedforward_layernorm.weight", WeightRole::norm, layer, model.hidden);
  slots.linear(prefix + "mlp.gate_proj", layer, model.intermediate, model.hidden, model.mlp_bias);
  slots.linear(prefix + "mlp.up_proj", layer, model.intermediate, model.hidden, model.mlp_bias);
  slots.linear(prefix + "mlp.down_proj", layer, model.hidden, model.intermediate, model.mlp_bias);
  if (model.post_norms)
    slots.vector(prefix + "post_feedforward_layernorm.weight", WeightRole::norm, layer, model.hidden);
}

tl::unexpected<Error> refuse(std::string_view where, const std::string& what) {
  return fail(ErrorCode::corrupt_file, fmt::format("{} describes an impossible model: {}.", where, what),
              std::string(where));
}

Result<void> validate_heads(const ModelDescription& model, std::string_view where) {
  if (model.heads % model.kv_heads != 0)
    return refuse(
        where, fmt::format("{} attention heads cannot share {} key/value heads evenly", model.heads, model.kv_heads));
  if (model.head_dim % 2 != 0)
    return refuse(where,
                  fmt::format("the head size {} is odd, and rotary embedding pairs its elements", model.head_dim));
  if (model.heads > max_dimension / model.head_dim)
    return refuse(where, fmt::format("{} heads of {} exceed 2^31 elements", model.heads, model.head_dim));
  return {};
}

bool positive(double value) { return std::isfinite(value) && value > 0; }

Result<void> validate_rope_scaling(const RopeDescription& rope, std::string_view where) {
  if (rope.scaling == RopeScaling::none) return {};
  const bool ordered = positive(rope.low_frequency_factor) && positive(rope.high_frequency_factor) &&
                       rope.high_frequency_factor > rope.low_frequency_factor;
  if (rope.scaling == RopeScaling::llama3 && !(positive(rope.factor) && ordered && rope.original_context > 0))
    return refuse(where, "the llama3 rope scaling needs positive factors, the high above the low");
  if (!positive(rope.factor)) return refuse(where, fmt::format("the factor of the rope scaling is {}", rope.factor));
  const bool yarn = positive(rope.beta_fast) && positive(rope.beta_slow) && rope.beta_fast > rope.beta_slow &&
                    positive(rope.attention_factor) && rope.original_context > 0 && rope.theta > 1.0;
  if (rope.scaling == RopeScaling::yarn && !yarn)
    return refuse(where, "the yarn rope scaling needs positive factors, beta_fast above beta_slow and a base above 1");
  return {};
}

Result<void> validate_attention(const ModelDescription& model, std::string_view where) {
  if (!model.attention.empty() && std::ssize(model.attention) != model.layers)
    return refuse(where, fmt::format("{} layers are described for {}", model.attention.size(), model.layers));
  for (const LayerAttention& layer : model.attention)
    if (layer.window < 0 || layer.window > max_dimension)
      return refuse(where, fmt::format("a sliding window is {} positions", layer.window));
  const auto cap = [](float value) { return std::isfinite(value) && value >= 0.0F; };
  if (!cap(model.attention_soft_cap) || !cap(model.logit_soft_cap))
    return refuse(where, fmt::format("the soft caps are {} and {}", model.attention_soft_cap, model.logit_soft_cap));
  if (!std::isfinite(model.query_scalar) || model.query_scalar < 0)
    return refuse(where, fmt::format("the scalar of the queries is {}", model.query_scalar));
  return {};
}

Result<void> validate_rope(const ModelDescription& model, std::string_view where) {
  const RopeDescription& rope = model.rope;
  if (!positive(rope.theta)) return refuse(where, fmt::format("the rope base frequency is {}", rope.theta));
  if (auto scaling = validate_rope_scaling(rope, where); !scaling) return scaling;
  if (rope.divisors.empty()) return {};
  if (static_cast<std::int64_t>(rope.divisors.size()) != model.head_dim / 2)
    return refuse(where, fmt::format("{} rope divisors for a head size of {}", rope.divisors.size(), model.head_dim));
  for (const float divisor : rope.divisors)
    if (!positive(divisor)) return refuse(where, fmt::format("a rope divisor is {}", divisor));
  return {};
}

double total_values(const ModelDescription& model) {
  const auto hidden = static_cast<double>(model.hidden);
  const double attention =
      2.0 * static_cast<double>(model.heads + model.kv_heads) * static_cast<double>(model.head_dim);
  const double layer = hidden * (attention + 3.0 * static_cast<double>(model.intermediate));
  return static_cast<double>(model.layers) * layer + 2.0 * static_cast<double>(model.vocabulary) * hidden;
}

}  // namespace

LayerAttention layer_attention(const ModelDescription& model, std::int64_t layer) {
  return model.attention.empty() ? LayerAttention{} : model.attention[static_cast<std::size_t>(layer)];
}

float attention_scale(const ModelDescription& model, std::int64_t layer) {
  const double scalar = model.query_scalar > 0 ? model.query_scalar : static_cast<double>(model.head_dim);
  const double factor = layer_attention(model, layer).rotary ? model.rope.attention_factor : 1.0;
  return static_cast<float>(factor * factor / std::sqrt(scalar));
}

std::string_view mlp_norm_name(const ModelDescription& model) {
  return model.post_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm";
}

std::vector<WeightSlot> weight_slots(const ModelDescription& model) {
  std::vector<WeightSlot> list;
  if (model.layers <= 0) return list;
  SlotList slots(list);
  list.push_back({"model.embed_tokens.weight", WeightRole::embedding, -1, model.vocabulary, model.hidden});
  for (std::int64_t layer = 0; layer < model.layers; ++layer) add_layer(slots, model, layer);
  slots.vector("model.norm.weight", WeightRole::norm, -1, model.hidden);
  if (!model.tied_head) list.push_back({"lm_head.weight", WeightRole::head, -1, model.vocabulary, model.hidden});
  return list;
}

Result<void> validate(const ModelDescription& model, std::string_view where) {
  for (const SizeField& field : size_fields)
    if (model.*field.value <= 0 || model.*field.value > field.limit)
      return refuse(where,
                    fmt::format("its {} is {}, which is not in 1..{}", field.name, model.*field.value, field.limit));
  if (!std::isfinite(model.norm_epsilon) || model.norm_epsilon < 0)
    return refuse(where, fmt::format("the norm epsilon is {}", model.norm_epsilon));
  if (auto heads = validate_heads(model, where); !heads) return heads;
  if (auto attention = validate_attention(model, where); !attention) return attention;
  if (auto rope = validate_rope(model, where); !rope) return rope;
  if (total_values(model) > max_total_values) return refuse(where, "it has more than 10^15 weights");
  return {};
}

}  // namespace quantscope
