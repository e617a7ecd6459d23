// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_pairs.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

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

constexpr std::int32_t unused_token = 5;

void add_id(GgufPairs& pairs, std::string_view name, std::optional<std::int32_t> id) {
  if (id) pairs.u32(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<std::uint32_t>(*id));
}

void add_flag(GgufPairs& pairs, std::string_view name, std::optional<bool> value) {
  if (value) pairs.boolean(fmt::format("tokenizer.ggml.{}", name), *value);
}

void add_tokens(GgufPairs& pairs, const GgufVocabulary& vocabulary, std::size_t size) {
  std::vector<std::string> tokens = vocabulary.tokens;
  std::vector<std::int32_t> types = vocabulary.token_types;
  std::vector<float> scores = vocabulary.scores;
  for (std::size_t id = tokens.size(); id < size; ++id) tokens.push_back(fmt::format("[PAD{}]", id));
  if (!types.empty()) types.resize(size, unused_token);
  if (!scores.empty()) scores.resize(size, -1000.0F);
  pairs.texts("tokenizer.ggml.tokens", tokens);
  if (!scores.empty()) pairs.f32s("tokenizer.ggml.scores", scores);
  if (!types.empty()) pairs.i32s("tokenizer.ggml.token_type", types);
}

}  // namespace

void add_model_pairs(GgufPairs& pairs, const ModelDescription& model, GgmlType linears) {
  const auto u32 = [&pairs](std::string_view key, std::int64_t value) {
    pairs.u32(key, static_cast<std::uint32_t>(value));
  };
  pairs.text("general.architecture", "llama");
  pairs.text("general.type", "model");
  pairs.text("general.name", model.name);
  if (!model.license.empty()) pairs.text("general.license", model.license);
  for (const FileType& file_type : file_types)
    if (file_type.type == linears) pairs.u32("general.file_type", file_type.id);
  pairs.u32("general.quantization_version", quantization_version);
  u32("llama.block_count", model.layers);
  u32("llama.context_length", model.context);
  u32("llama.embedding_length", model.hidden);
  u32("llama.feed_forward_length", model.intermediate);
  u32("llama.attention.head_count", model.heads);
  u32("llama.attention.head_count_kv", model.kv_heads);
  u32("llama.vocab_size", model.vocabulary);
  u32("llama.rope.dimension_count", model.head_dim);
  if (model.head_dim * model.heads != model.hidden) {
    u32("llama.attention.key_length", model.head_dim);
    u32("llama.attention.value_length", model.head_dim);
  }
  pairs.f32("llama.rope.freq_base", static_cast<float>(model.rope.theta));
  pairs.f32("llama.attention.layer_norm_rms_epsilon", model.norm_epsilon);
}

Result<void> add_vocabulary_pairs(GgufPairs& pairs, const GgufVocabulary& vocabulary, std::int64_t vocabulary_size) {
  if (vocabulary.tokens.empty()) {
    pairs.text("tokenizer.ggml.model", "none");
    return {};
  }
  if (static_cast<std::int64_t>(vocabulary.tokens.size()) > vocabulary_size)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("The tokenizer has {} tokens, more than the {} rows of the embedding; use the tokenizer that "
                    "belongs to the model.",
                    vocabulary.tokens.size(), vocabulary_size));
  pairs.text("tokenizer.ggml.model", vocabulary.model);
  if (!vocabulary.pre.empty()) pairs.text("tokenizer.ggml.pre", vocabulary.pre);
  add_tokens(pairs, vocabulary, static_cast<std::size_t>(vocabulary_size));
  if (!vocabulary.merges.empty()) pairs.texts("tokenizer.ggml.merges", vocabulary.merges);
  add_id(pairs, "bos", vocabulary.bos_id);
  add_id(pairs, "eos", vocabulary.eos_id);
  add_id(pairs, "eot", vocabulary.eot_id);
  add_id(pairs, "unknown", vocabulary.unknown_id);
  add_id(pairs, "padding", vocabulary.padding_id);
  add_flag(pairs, "add_bos_token", vocabulary.add_bos);
  add_flag(pairs, "add_eos_token", vocabulary.add_eos);
  add_flag(pairs, "add_space_prefix", vocabulary.add_space_prefix);
  add_flag(pairs, "remove_extra_whitespaces", vocabulary.remove_extra_whitespaces);
  if (!vocabulary.chat_template.empty()) pairs.text("tokenizer.chat_template", vocabulary.chat_template);
  return {};
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
