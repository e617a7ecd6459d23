// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/hugging_face_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/checkpoint/config_json.h"
#include "core/checkpoint/gguf_model_pairs.h"
#include "core/checkpoint/model_families.h"

namespace quantscope {
namespace {

using nlohmann::ordered_json;

/// The shortest decimal number that reads back as this float: 1e-05, not 9.999999747378752e-06.
double shortest(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

std::int64_t common_window(const ModelDescription& model) {
  std::int64_t window = 0;
  for (const LayerAttention& layer : model.attention) window = std::max(window, layer.window);
  return window;
}

/// The scaling whose divisors GGUF files of Llama 3.1 to 3.3 hold; they differ in the factor only.
std::optional<RopeDescription> llama3_scaling(const ModelDescription& model) {
  ModelDescription guess = model;
  guess.rope.divisors.clear();
  guess.rope.scaling = RopeScaling::llama3;
  guess.rope.factor = static_cast<double>(*std::ranges::max_element(model.rope.divisors));
  guess.rope.low_frequency_factor = 1.0;
  guess.rope.high_frequency_factor = 4.0;
  guess.rope.original_context = 8192;
  if (gguf_rope_divisors(guess) != model.rope.divisors) return std::nullopt;
  return guess.rope;
}

/// The rope of the model with divisors as the scaling they stand for, where they stand for one.
RopeDescription named_rope(const ModelDescription& model) {
  if (model.rope.divisors.empty()) return model.rope;
  return llama3_scaling(model).value_or(model.rope);
}

ordered_json rope_scaling(const RopeDescription& rope) {
  switch (rope.scaling) {
    case RopeScaling::none: return nullptr;
    case RopeScaling::linear: return {{"rope_type", "linear"}, {"factor", rope.factor}};
    case RopeScaling::dynamic: return {{"rope_type", "dynamic"}, {"factor", rope.factor}};
    case RopeScaling::llama3:
      return {{"rope_type", "llama3"},
              {"factor", rope.factor},
              {"low_freq_factor", rope.low_frequency_factor},
              {"high_freq_factor", rope.high_frequency_factor},
              {"original_max_position_embeddings", rope.original_context}};
    case RopeScaling::yarn:
      return {{"rope_type", "yarn"},
              {"factor", rope.factor},
              {"original_max_position_embeddings", rope.original_context},
              {"beta_fast", rope.beta_fast},
              {"beta_slow", rope.beta_slow},
              {"truncate", rope.whole_pairs},
              {"attention_factor", rope.attention_factor}};
  }
  return nullptr;
}

void add_attention(ordered_json& config, const Family& family, const ModelDescription& model) {
  const std::int64_t window = common_window(model);
  const bool switched = family.windows == WindowRule::last_layers || family.windows == WindowRule::unrotated;
  if (switched) config["use_sliding_window"] = window > 0;
  if (family.windows != WindowRule::none) config["sliding_window"] = window > 0 ? ordered_json(window) : ordered_json();
  if (family.no_rope_interval > 0) {
    ordered_json rotary = ordered_json::array();
    for (std::int64_t i = 0; i < model.layers; ++i) rotary.push_back(layer_attention(model, i).rotary ? 1 : 0);
    config["no_rope_layers"] = rotary;
    config["no_rope_layer_interval"] = family.no_rope_interval;
  }
  if (family.query_scalar > 0)
    config["query_pre_attn_scalar"] =
        model.query_scalar > 0 ? ordered_json(model.query_scalar) : ordered_json(model.head_dim);
  const auto cap = [](float value) { return value > 0 ? ordered_json(shortest(value)) : ordered_json(); };
  if (family.attention_soft_cap > 0) config["attn_logit_softcapping"] = cap(model.attention_soft_cap);
  if (family.logit_soft_cap > 0) config["final_logit_softcapping"] = cap(model.logit_soft_cap);
}

void add_tokens(ordered_json& config, const ModelDescription& model) {
  config["bos_token_id"] = nullptr;
  config["pad_token_id"] = nullptr;  // defaults may lie outside of the vocabulary
  if (model.end_ids.size() == 1)
    config["eos_token_id"] = model.end_ids.front();
  else
    config["eos_token_id"] = model.end_ids.empty() ? ordered_json() : ordered_json(model.end_ids);
}

/// What matters of a model, spelled in one way.
ModelDescription canonical(ModelDescription model) {
  model.name.clear();
  model.license.clear();
  model.stored_value_bytes = 0;
  model.norm_offset = 0;  // of what is stored, not of the model
  if (model.query_scalar == 0) model.query_scalar = static_cast<double>(model.head_dim);
  if (model.attention.empty()) model.attention.resize(static_cast<std::size_t>(model.layers));
  const RopeDescription rope = named_rope(model);
  model.rope = RopeDescription{.theta = rope.theta, .scaling = rope.scaling, .divisors = rope.divisors};
  if (rope.scaling != RopeScaling::none) model.rope.factor = rope.factor;
  if (rope.scaling == RopeScaling::llama3 || rope.scaling == RopeScaling::yarn)
    model.rope.original_context = rope.original_context;
  if (rope.scaling == RopeScaling::llama3) {
    model.rope.low_frequency_factor = rope.low_frequency_factor;
    model.rope.high_frequency_factor = rope.high_frequency_factor;
  }
  if (rope.scaling == RopeScaling::yarn) {
    model.rope.beta_fast = rope.beta_fast;
    model.rope.beta_slow = rope.beta_slow;
    model.rope.whole_pairs = rope.whole_pairs;
    model.rope.attention_factor = rope.attention_factor;
  }
  return model;
}

}  // namespace

Result<ordered_json> hugging_face_config(const ModelDescription& model) {
  const Family& family = *find_family(model.family);
  const bool gelu = model.activation == GateActivation::gelu_tanh;
  ordered_json config = {{"architectures", {family.architecture}},
                         {"model_type", family.name},
                         {"vocab_size", model.vocabulary},
                         {"hidden_size", model.hidden},
                         {"intermediate_size", model.intermediate},
                         {"num_hidden_layers", model.layers},
                         {"num_attention_heads", model.heads},
                         {"num_key_value_heads", model.kv_heads},
                         {"head_dim", model.head_dim},
                         {"max_position_embeddings", model.context},
                         {"rms_norm_eps", shortest(model.norm_epsilon)},
                         {gelu ? "hidden_activation" : "hidden_act", gelu ? "gelu_pytorch_tanh" : "silu"},
                         {"tie_word_embeddings", model.tied_head},
                         {"rope_theta", model.rope.theta},
                         {"rope_scaling", rope_scaling(named_rope(model))}};
  if (family.reads_attention_bias) config["attention_bias"] = model.output_bias;
  if (family.reads_mlp_bias) config["mlp_bias"] = model.mlp_bias;
  add_attention(config, family, model);
  add_tokens(config, model);
  const auto read = describe_config(nlohmann::json(config), "config.json");
  if (read && canonical(*read) == canonical(model)) return config;
  return fail(
      ErrorCode::unsupported,
      fmt::format("{} is of the family {}, and differs from it in a way that config.json cannot say; write GGUF.",
                  model.name, family.name),
      model.name);
}

}  // namespace quantscope
