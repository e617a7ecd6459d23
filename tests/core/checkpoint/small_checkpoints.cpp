// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/core/checkpoint/small_checkpoints.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/checkpoint/model_description.h"

namespace quantscope::testing {
namespace {

ModelDescription small_model() {
  ModelDescription model;
  model.family = "llama";
  model.vocabulary = small_vocabulary;
  model.hidden = small_hidden;
  model.intermediate = small_intermediate;
  model.layers = small_layers;
  model.heads = small_heads;
  model.kv_heads = small_kv_heads;
  model.head_dim = small_head_dim;
  model.context = 64;
  model.tied_head = true;
  return model;
}

bool is_vector(const WeightSlot& slot) { return slot.role == WeightRole::norm || slot.role == WeightRole::bias; }

std::vector<float> slot_values(std::size_t tensor, const WeightSlot& slot) {
  std::vector<float> values;
  for (std::int64_t row = 0; row < slot.rows; ++row)
    for (std::int64_t column = 0; column < slot.columns; ++column) values.push_back(small_value(tensor, row, column));
  return values;
}

/// Reshape [heads, 2, half, columns] and swap the middle axes, as llama.cpp's converter does.
std::vector<float> interleave(const std::vector<float>& rows, std::int64_t columns) {
  const std::int64_t half = small_head_dim / 2;
  const auto heads = static_cast<std::int64_t>(rows.size()) / columns / small_head_dim;
  std::vector<float> result;
  for (std::int64_t head = 0; head < heads; ++head)
    for (std::int64_t j = 0; j < half; ++j)
      for (std::int64_t p = 0; p < 2; ++p) {
        const auto row = rows.begin() + (head * small_head_dim + p * half + j) * columns;
        result.insert(result.end(), row, row + columns);
      }
  return result;
}

std::string gguf_name(const WeightSlot& slot) {
  static const std::vector<std::pair<std::string, std::string>> names = {
      {"input_layernorm", "attn_norm"}, {"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},           {"mlp.down_proj", "ffn_down"}};
  if (slot.name == "model.embed_tokens.weight") return "token_embd.weight";
  if (slot.name == "model.norm.weight") return "output_norm.weight";
  for (const auto& [hugging_face, gguf] : names)
    if (slot.name.find(hugging_face) != std::string::npos)
      return "blk." + std::to_string(slot.layer) + "." + gguf + ".weight";
  throw std::logic_error("no GGUF name for " + slot.name);
}

GgufBuilder small_metadata() {
  GgufBuilder builder;
  builder.text("general.architecture", "llama").text("general.name", "Small").text("general.license", "mit");
  builder.u32("llama.block_count", small_layers).u32("llama.context_length", 64);
  builder.u32("llama.embedding_length", small_hidden).u32("llama.feed_forward_length", small_intermediate);
  builder.u32("llama.attention.head_count", small_heads).u32("llama.attention.head_count_kv", small_kv_heads);
  builder.f32("llama.rope.freq_base", 10000.0F).f32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  builder.u32("llama.rope.dimension_count", small_head_dim);
  builder.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "smollm");
  builder.texts("tokenizer.ggml.tokens", {"<s>", "</s>", "a", "b", "c", "ab", "abc", "d"});
  builder.i32s("tokenizer.ggml.token_type", {3, 3, 1, 1, 1, 1, 1, 1});
  builder.texts("tokenizer.ggml.merges", {"a b", "ab c"});
  builder.u32("tokenizer.ggml.bos_token_id", 0).u32("tokenizer.ggml.eos_token_id", 1);
  builder.boolean("tokenizer.ggml.add_bos_token", false);
  builder.boolean("tokenizer.ggml.add_space_prefix", false);
  return builder;
}

std::string raw_bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace

float small_value(std::size_t tensor, std::int64_t row, std::int64_t column) {
  return static_cast<float>(static_cast<std::int64_t>(tensor) - 8) + static_cast<float>(row) / 64.0F +
         static_cast<float>(column % 2) / 128.0F;
}

GgufBuilder small_gguf() {
  GgufBuilder builder = small_metadata();
  const auto slots = weight_slots(small_model());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const WeightSlot& slot = slots[i];
    auto values = slot_values(i, slot);
    const bool rotated = slot.name.find("q_proj") != std::string::npos || slot.name.find("k_proj") != std::string::npos;
    if (rotated) values = interleave(values, slot.columns);
    const auto dimensions = is_vector(slot) ? std::vector{slot.columns} : std::vector{slot.columns, slot.rows};
    builder.f32_tensor(gguf_name(slot), dimensions, values);
  }
  return builder;
}

std::string safetensors_file(std::string_view header_text) {
  return bytes_of<std::uint64_t>(header_text.size()) + std::string(header_text);
}

std::string safetensors_file(const std::vector<SafetensorsEntry>& entries) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const SafetensorsEntry& entry : entries) {
    header[entry.name] = {{"dtype", entry.dtype},
                          {"shape", entry.shape},
                          {"data_offsets", {data.size(), data.size() + entry.data.size()}}};
    data += entry.data;
  }
  return safetensors_file(header.dump()) + data;
}

std::string small_config() {
  return nlohmann::json{{"architectures", {"LlamaForCausalLM"}},
                        {"model_type", "llama"},
                        {"vocab_size", small_vocabulary},
                        {"hidden_size", small_hidden},
                        {"intermediate_size", small_intermediate},
                        {"num_hidden_layers", small_layers},
                        {"num_attention_heads", small_heads},
                        {"num_key_value_heads", small_kv_heads},
                        {"max_position_embeddings", 64},
                        {"rms_norm_eps", 1e-5},
                        {"rope_theta", 10000.0},
                        {"tie_word_embeddings", true},
                        {"torch_dtype", "float32"},
                        {"eos_token_id", 1}}
      .dump();
}

std::vector<SafetensorsEntry> small_tensors() {
  std::vector<SafetensorsEntry> entries;
  const auto slots = weight_slots(small_model());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto shape =
        is_vector(slots[i]) ? std::vector{slots[i].columns} : std::vector{slots[i].rows, slots[i].columns};
    entries.push_back({slots[i].name, "F32", shape, raw_bytes(slot_values(i, slots[i]))});
  }
  return entries;
}

}  // namespace quantscope::testing
