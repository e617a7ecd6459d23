// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quantscope {
namespace {

struct NamePair {
  std::string_view gguf;
  std::string_view hugging_face;
};

/// How a family calls a part of its blocks otherwise than Llama does.
struct FamilyName {
  bool Family::*has;
  NamePair pair;
};
constexpr std::array<FamilyName, 3> family_block_names = {{
    {&Family::post_norms, {"ffn_norm", "pre_feedforward_layernorm"}},
    {&Family::post_norms, {"post_attention_norm", "post_attention_layernorm"}},
    {&Family::fused_projections, {"ffn_up", "mlp.gate_up_proj"}},
}};

/// Outside the blocks, then inside "blk.N." and "model.layers.N."; ".weight" or ".bias" follows.
constexpr std::array<NamePair, 3> model_names = {{
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
}};
constexpr std::array<NamePair, 13> block_names = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_qkv", "self_attn.qkv_proj"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
}};

template <std::size_t size>
std::string_view translate(const std::array<NamePair, size>& names, std::string_view gguf) {
  const auto found = std::ranges::find(names, gguf, &NamePair::gguf);
  return found == names.end() ? std::string_view() : found->hugging_face;
}

/// The pair of a block's part, by its name of either kind; null where there is none.
const NamePair* block_pair(std::string_view name, std::string_view NamePair::*kind, const Family& family) {
  for (const FamilyName& own : family_block_names)
    if (family.*own.has && own.pair.*kind == name) return &own.pair;
  const auto found = std::ranges::find(block_names, name, kind);
  return found == block_names.end() ? nullptr : &*found;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char digit) { return digit >= '0' && digit <= '9'; });
}

}  // namespace

std::string hugging_face_name(std::string_view gguf_name, const Family& family) {
  const std::size_t last_dot = gguf_name.rfind('.');
  if (last_dot == std::string_view::npos) return std::string(gguf_name);
  const std::string_view kind = gguf_name.substr(last_dot);
  if (kind != ".weight" && kind != ".bias") return std::string(gguf_name);
  std::string_view stem = gguf_name.substr(0, last_dot);
  if (const auto name = translate(model_names, stem); !name.empty()) return fmt::format("{}{}", name, kind);
  constexpr std::string_view block_prefix = "blk.";
  if (!stem.starts_with(block_prefix)) return std::string(gguf_name);
  stem.remove_prefix(block_prefix.size());
  const std::size_t dot = stem.find('.');
  const std::string_view number = stem.substr(0, dot);
  const std::string_view inner = dot == std::string_view::npos ? std::string_view() : stem.substr(dot + 1);
  const NamePair* pair = block_pair(inner, &NamePair::gguf, family);
  if (pair == nullptr || !is_number(number)) return std::string(gguf_name);
  return fmt::format("model.layers.{}.{}{}", number, pair->hugging_face, kind);
}

std::string gguf_name(std::string_view hugging_face_name, const Family& family) {
  const std::size_t last_dot = hugging_face_name.rfind('.');
  if (last_dot == std::string_view::npos) return std::string(hugging_face_name);
  const std::string_view kind = hugging_face_name.substr(last_dot);
  std::string_view stem = hugging_face_name.substr(0, last_dot);
  if (const auto* pair = std::ranges::find(model_names, stem, &NamePair::hugging_face); pair != model_names.end())
    return fmt::format("{}{}", pair->gguf, kind);
  constexpr std::string_view block_prefix = "model.layers.";
  if (!stem.starts_with(block_prefix)) return std::string(hugging_face_name);
  stem.remove_prefix(block_prefix.size());
  const std::size_t dot = stem.find('.');
  const std::string_view inner = dot == std::string_view::npos ? std::string_view() : stem.substr(dot + 1);
  const NamePair* pair = block_pair(inner, &NamePair::hugging_face, family);
  if (pair == nullptr) return std::string(hugging_face_name);
  return fmt::format("blk.{}.{}{}", stem.substr(0, dot), pair->gguf, kind);
}

}  // namespace quantscope
