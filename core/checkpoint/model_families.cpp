// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/model_families.h"

#include <algorithm>
#include <array>

namespace quantscope {
namespace {

constexpr Family llama = {.name = "llama",
                          .architecture = "LlamaForCausalLM",
                          .interleaved_gguf = true,
                          .gguf_extras = true,
                          .reads_attention_bias = true,
                          .reads_mlp_bias = true,
                          .context = 2048};
constexpr Family mistral = {.name = "mistral",
                            .architecture = "MistralForCausalLM",
                            .written_as = "llama",
                            .windows = WindowRule::all,
                            .kv_heads = 8,
                            .context = 131072,
                            .window = 4096};
constexpr Family qwen2 = {.name = "qwen2",
                          .architecture = "Qwen2ForCausalLM",
                          .qkv_bias = true,
                          .reads_layer_types = true,
                          .windows = WindowRule::last_layers,
                          .kv_heads = 32,
                          .context = 32768,
                          .window = 4096};
constexpr Family qwen3 = {.name = "qwen3",
                          .architecture = "Qwen3ForCausalLM",
                          .reads_attention_bias = true,
                          .reads_layer_types = true,
                          .query_key_norm = true,
                          .windows = WindowRule::last_layers,
                          .kv_heads = 32,
                          .head_dim = 128,
                          .context = 32768,
                          .window = 4096};

constexpr Family smollm3 = {.name = "smollm3",
                            .architecture = "SmolLM3ForCausalLM",
                            .interleaved_gguf = true,
                            .reads_attention_bias = true,
                            .reads_mlp_bias = true,
                            .reads_layer_types = true,
                            .no_rope_interval = 4,
                            .windows = WindowRule::unrotated,
                            .kv_heads = 4,
                            .context = 32768,
                            .theta = 2000000.0,
                            .tied_head = true};
constexpr Family phi3 = {.name = "phi3",
                         .architecture = "Phi3ForCausalLM",
                         .fused_projections = true,
                         .windows = WindowRule::all,
                         .context = 4096,
                         .norm_epsilon = 1e-5};
constexpr Family gemma2 = {.name = "gemma2",
                           .architecture = "Gemma2ForCausalLM",
                           .reads_attention_bias = true,
                           .reads_layer_types = true,
                           .post_norms = true,
                           .norm_offset = true,
                           .scaled_embedding = true,
                           .windows = WindowRule::every_second,
                           .activation = GateActivation::gelu_tanh,
                           .kv_heads = 4,
                           .head_dim = 256,
                           .context = 8192,
                           .window = 4096,
                           .attention_soft_cap = 50.0,
                           .logit_soft_cap = 30.0,
                           .query_scalar = 256,
                           .tied_head = true};

constexpr std::array known = {llama, mistral, qwen2, qwen3, smollm3, phi3, gemma2};

}  // namespace

std::span<const Family> families() { return known; }

const Family* find_family(std::string_view name) {
  const auto found = std::ranges::find(known, name, &Family::name);
  return found == known.end() ? nullptr : &*found;
}

const Family& gguf_family(const Family& family) {
  return family.written_as.empty() ? family : *find_family(family.written_as);
}

std::string family_names(bool gguf) {
  std::string names;
  for (const Family& family : known) {
    if (gguf && !family.written_as.empty()) continue;
    if (!names.empty()) names += ", ";
    names += family.name;
  }
  return names;
}

void apply_family(const Family& family, ModelDescription& model) {
  model.family = family.name;
  model.qkv_bias = family.qkv_bias;
  model.query_key_norm = family.query_key_norm;
  model.post_norms = family.post_norms;
  model.scaled_embedding = family.scaled_embedding;
  model.activation = family.activation;
}

}  // namespace quantscope
