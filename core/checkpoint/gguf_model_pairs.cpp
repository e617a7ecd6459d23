// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_model_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/checkpoint/config_attention.h"
#include "core/checkpoint/config_rope.h"
#include "core/checkpoint/gguf_model.h"
#include "core/checkpoint/model_families.h"

namespace quantscope {
namespace {

struct FileType {
  GgmlType type;
  std::uint32_t id;
};
/// general.file_type of files whose linears have the type. Source: llama.cpp, include/llama.h, enum llama_ftype.
constexpr std::array<FileType, 16> file_types = {{{GgmlType::f32, 0},
                                                  {GgmlType::f16, 1},
                                                  {GgmlType::q4_0, 2},
                                                  {GgmlType::q4_1, 3},
                                                  {GgmlType::q8_0, 7},
                                                  {GgmlType::q5_0, 8},
                                                  {GgmlType::q5_1, 9},
                                                  {GgmlType::q2_k, 10},
                                                  {GgmlType::q3_k, 12},
                                                  {GgmlType::q4_k, 14},
                                                  {GgmlType::q5_k, 16},
                                                  {GgmlType::q6_k, 18},
                                                  {GgmlType::iq4_nl, 25},
                                                  {GgmlType::iq4_xs, 30},
                                                  {GgmlType::bf16, 32},
                                                  {GgmlType::mxfp4, 38}}};
constexpr std::uint32_t quantization_version = 2;

/// The family that the file goes by.
const Family& family_of(const ModelDescription& model) { return gguf_family(*find_family(model.family)); }

tl::unexpected<Error> refuse(const ModelDescription& model, std::string_view what) {
  return fail(ErrorCode::unsupported,
              fmt::format("{} {}, which GGUF files of the architecture {} cannot say; write safetensors.", model.name,
                          what, family_of(model).name),
              model.name);
}

bool has_window_key(const Family& family) {
  return family.windows == WindowRule::all || family.windows == WindowRule::every_second;
}

/// The window of the layers that have one; 0 where none has.
std::int64_t common_window(const ModelDescription& model) {
  std::int64_t window = 0;
  for (const LayerAttention& layer : model.attention) window = std::max(window, layer.window);
  return window;
}

/// Readers know from the family alone which layers have the window and which do not rotate.
Result<void> check_layers(const ModelDescription& model) {
  const Family& family = family_of(model);
  const std::int64_t window = has_window_key(family) ? common_window(model) : 0;
  if (family.windows == WindowRule::every_second && window == 0)
    return refuse(model, "has no sliding window in any layer");
  const auto expected = attention_layers(family, model.layers, window, 0, family.no_rope_interval);
  const auto effective = [&model](std::int64_t size) { return size >= model.context ? 0 : size; };
  for (std::int64_t i = 0; i < model.layers; ++i) {
    const LayerAttention layer = layer_attention(model, i), known = expected[static_cast<std::size_t>(i)];
    if (layer.rotary != known.rotary)
      return refuse(model, fmt::format("has {} rotary embedding in layer {}", layer.rotary ? "a" : "no", i));
    if (effective(layer.window) != effective(known.window))
      return refuse(model, fmt::format("has a sliding window of {} in layer {}", layer.window, i));
  }
  return {};
}

Result<void> check_rope(const ModelDescription& model) {
  const RopeDescription& rope = model.rope;
  if (rope.scaling == RopeScaling::dynamic) return refuse(model, "scales its rotary embedding dynamically");
  if (rope.scaling == RopeScaling::yarn) {
    constexpr double single_precision = 1e-6;
    const double factor = default_yarn_attention_factor(rope.factor);
    if (!rope.whole_pairs || std::abs(rope.attention_factor / factor - 1) > single_precision)
      return refuse(model, "scales its rotary embedding by yarn with an attention factor or bounds of its own");
  }
  const bool divided = rope.scaling == RopeScaling::llama3 || !rope.divisors.empty();
  if (divided && !family_of(model).gguf_extras) return refuse(model, "divides the frequencies of its rotary embedding");
  return {};
}

void add_sizes(GgufPairs& pairs, const ModelDescription& model, std::string_view name) {
  const auto u32 = [&](std::string_view key, std::int64_t value) {
    pairs.u32(fmt::format("{}.{}", name, key), static_cast<std::uint32_t>(value));
  };
  u32("block_count", model.layers);
  u32("context_length", model.context);
  u32("embedding_length", model.hidden);
  u32("feed_forward_length", model.intermediate);
  u32("attention.head_count", model.heads);
  u32("attention.head_count_kv", model.kv_heads);
  u32("vocab_size", model.vocabulary);
  u32("rope.dimension_count", model.head_dim);
  if (model.head_dim * model.heads != model.hidden) {
    u32("attention.key_length", model.head_dim);
    u32("attention.value_length", model.head_dim);
  }
  if (has_window_key(family_of(model))) u32("attention.sliding_window", common_window(model));
}

void add_rope_scaling(GgufPairs& pairs, const RopeDescription& rope, std::string_view name) {
  if (rope.scaling != RopeScaling::linear && rope.scaling != RopeScaling::yarn) return;
  const auto f32 = [&](std::string_view key, double value) {
    pairs.f32(fmt::format("{}.rope.scaling.{}", name, key), static_cast<float>(value));
  };
  const bool yarn = rope.scaling == RopeScaling::yarn;
  pairs.text(fmt::format("{}.rope.scaling.type", name), yarn ? "yarn" : "linear");
  f32("factor", rope.factor);
  if (!yarn) return;
  pairs.u32(fmt::format("{}.rope.scaling.original_context_length", name),
            static_cast<std::uint32_t>(rope.original_context));
  f32("yarn_beta_fast", rope.beta_fast);
  f32("yarn_beta_slow", rope.beta_slow);
}

}  // namespace

Result<void> check_gguf_can_describe(const ModelDescription& model) {
  const Family& family = family_of(model);
  if ((model.output_bias || model.mlp_bias) && !family.gguf_extras)
    return refuse(model, "has biases in the output projection or the MLP");
  const double scalar = model.query_scalar == static_cast<double>(model.head_dim) ? 0.0 : model.query_scalar;
  if (scalar != gguf_query_scalar(family, model))
    return refuse(model, fmt::format("scales its attention scores by a query scalar of {}", model.query_scalar));
  if ((family.attention_soft_cap > 0 && model.attention_soft_cap == 0) ||
      (family.logit_soft_cap > 0 && model.logit_soft_cap == 0))
    return refuse(model, "has no soft caps");
  if (auto layers = check_layers(model); !layers) return layers;
  return check_rope(model);
}

void add_model_pairs(GgufPairs& pairs, const ModelDescription& model, GgmlType linears) {
  const Family& family = family_of(model);
  pairs.text("general.architecture", family.name);
  pairs.text("general.type", "model");
  pairs.text("general.name", model.name);
  if (!model.license.empty()) pairs.text("general.license", model.license);
  for (const FileType& file_type : file_types)
    if (file_type.type == linears) pairs.u32("general.file_type", file_type.id);
  pairs.u32("general.quantization_version", quantization_version);
  add_sizes(pairs, model, family.name);
  const auto f32 = [&](std::string_view key, double value) {
    pairs.f32(fmt::format("{}.{}", family.name, key), static_cast<float>(value));
  };
  f32("rope.freq_base", model.rope.theta);
  f32("attention.layer_norm_rms_epsilon", static_cast<double>(model.norm_epsilon));
  add_rope_scaling(pairs, model.rope, family.name);
  if (family.attention_soft_cap > 0) f32("attn_logit_softcapping", static_cast<double>(model.attention_soft_cap));
  if (family.logit_soft_cap > 0) f32("final_logit_softcapping", static_cast<double>(model.logit_soft_cap));
}

std::vector<float> gguf_rope_divisors(const ModelDescription& model) {
  const RopeDescription& rope = model.rope;
  if (!rope.divisors.empty() || rope.scaling != RopeScaling::llama3) return rope.divisors;
  const auto original = static_cast<double>(rope.original_context);
  std::vector<float> divisors;
  for (std::int64_t i = 0; i < model.head_dim / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(model.head_dim);
    const double wavelength = 2 * std::numbers::pi * std::pow(rope.theta, exponent);
    double divisor = 1.0;
    if (wavelength > original / rope.low_frequency_factor) {
      divisor = rope.factor;
    } else if (wavelength >= original / rope.high_frequency_factor) {
      const double smooth = (original / wavelength - rope.low_frequency_factor) /
                            (rope.high_frequency_factor - rope.low_frequency_factor);
      divisor = 1.0 / ((1.0 - smooth) / rope.factor + smooth);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

}  // namespace quantscope
