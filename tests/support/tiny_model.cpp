// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/tiny_model.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "core/checkpoint/model_description.h"
#include "core/checkpoint/safetensors_writer.h"

namespace quantscope::testing {
namespace {
using nlohmann::json;

json config_of(std::int64_t hidden, std::int64_t intermediate) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", 256},
          {"hidden_size", hidden},
          {"intermediate_size", intermediate},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"head_dim", hidden / 4},
          {"max_position_embeddings", 4096},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", true},
          {"hidden_act", "silu"},
          {"torch_dtype", "float32"},
          {"bos_token_id", nullptr},
          {"eos_token_id", 0}};
}

ModelDescription description(const json& config) {
  ModelDescription model;
  model.family = "llama";
  model.vocabulary = config["vocab_size"];
  model.hidden = config["hidden_size"];
  model.intermediate = config["intermediate_size"];
  model.layers = config["num_hidden_layers"];
  model.heads = config["num_attention_heads"];
  model.kv_heads = config["num_key_value_heads"];
  model.head_dim = config["head_dim"];
  model.tied_head = true;
  return model;
}

void check(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

void write_weights(const json& config, const std::filesystem::path& path) {
  const auto slots = weight_slots(description(config));
  std::vector<TensorDeclaration> tensors;
  for (const WeightSlot& slot : slots) {
    const bool vector = slot.role == WeightRole::norm;
    const std::vector<std::int64_t> shape =
        vector ? std::vector<std::int64_t>{slot.columns} : std::vector<std::int64_t>{slot.rows, slot.columns};
    tensors.push_back({slot.name, "F32", shape, static_cast<std::uint64_t>(slot.rows * slot.columns) * sizeof(float)});
  }
  auto writer = SafetensorsWriter::create(path, tensors);
  if (!writer) throw std::runtime_error(writer.error().message);
  std::mt19937 generator(7);  // its sequence is fixed by the standard, unlike that of the distributions
  for (const WeightSlot& slot : slots) {
    std::vector<float> values(static_cast<std::size_t>(slot.rows * slot.columns));
    const float scale = slot.role == WeightRole::embedding ? 1.0F : 2.0F / std::sqrt(static_cast<float>(slot.columns));
    for (float& value : values) {
      const float uniform = static_cast<float>(generator()) / 2147483648.0F - 1.0F;
      value = slot.role == WeightRole::norm ? 1.0F : scale * uniform;
    }
    check(writer->append_values(std::span<const float>(values)));
  }
  check(writer->finish());
}

/// GPT-2's byte alphabet: printable bytes stand for themselves, the others for U+0100 and up.
std::string byte_letter(int byte, int& next_other) {
  const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const int point = printable ? byte : 256 + next_other++;
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  return {static_cast<char>(0xC0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3F))};
}

void write_tokenizer(const std::filesystem::path& path) {
  json vocabulary = json::object();
  int next_other = 0;
  for (int byte = 0; byte < 256; ++byte) vocabulary[byte_letter(byte, next_other)] = byte;
  const json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  const json tokenizer = {{"version", "1.0"},
                          {"truncation", nullptr},
                          {"padding", nullptr},
                          {"added_tokens", json::array()},
                          {"normalizer", nullptr},
                          {"pre_tokenizer", byte_level},
                          {"post_processor", nullptr},
                          {"decoder", byte_level},
                          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}}}};
  std::ofstream(path) << tokenizer.dump();
}

}  // namespace

void write_tiny_model(const std::filesystem::path& folder, std::int64_t hidden, std::int64_t intermediate) {
  std::filesystem::create_directories(folder);
  const json config = config_of(hidden, intermediate);
  std::ofstream(folder / "config.json") << config.dump(1);
  write_weights(config, folder / "model.safetensors");
  write_tokenizer(folder / "tokenizer.json");
}

}  // namespace quantscope::testing
