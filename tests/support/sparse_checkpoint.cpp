// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/sparse_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "core/checkpoint/checkpoint.h"

namespace quantscope::testing {
namespace {
using nlohmann::ordered_json;
namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

ordered_json config_of(const LlamaSizes& sizes) {
  return {{"architectures", {"LlamaForCausalLM"}},   {"model_type", "llama"},
          {"vocab_size", sizes.vocabulary},          {"hidden_size", sizes.hidden},
          {"intermediate_size", sizes.intermediate}, {"num_hidden_layers", sizes.layers},
          {"num_attention_heads", sizes.heads},      {"num_key_value_heads", sizes.kv_heads},
          {"max_position_embeddings", 8192},         {"torch_dtype", "bfloat16"}};
}

/// BF16 values of both signs between 2^-7 and 2^-6, none like its neighbours.
std::vector<std::uint16_t> sample_values() {
  std::vector<std::uint16_t> values(std::size_t{1} << 16);
  std::uint32_t state = 1;
  for (std::uint16_t& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint16_t>(0x3C00U | (state >> 25) | (state >> 24 & 1U) << 15);
  }
  return values;
}

void fill(std::ofstream& file, std::uint64_t offset, std::uint64_t bytes) {
  static const std::vector<std::uint16_t> values = sample_values();
  file.seekp(static_cast<std::streamoff>(offset));
  for (std::uint64_t done = 0; done < bytes;) {
    const std::uint64_t part = std::min<std::uint64_t>(bytes - done, 2 * values.size());
    file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(part));
    done += part;
  }
}

struct SparseTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t bytes;
};

void write_shard(const fs::path& path, const std::vector<SparseTensor>& tensors, std::uint64_t filled_bytes) {
  ordered_json header;
  std::uint64_t end = 0;
  for (const SparseTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", "BF16"}, {"shape", tensor.shape}, {"data_offsets", {end, end + tensor.bytes}}};
    end += tensor.bytes;
  }
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file << text;
  std::uint64_t offset = sizeof length + length;
  for (const SparseTensor& tensor : tensors) {
    fill(file, offset, std::min(filled_bytes, tensor.bytes));
    offset += tensor.bytes;
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  fs::resize_file(path, sizeof length + length + end);
}

}  // namespace

std::uint64_t write_sparse_checkpoint(const fs::path& folder, const LlamaSizes& sizes, int shards,
                                      std::uint64_t filled_bytes) {
  fs::create_directories(folder);
  write_text(folder / "config.json", config_of(sizes).dump(1));
  const auto plan = Checkpoint::open(folder / "config.json");
  if (!plan) throw std::runtime_error(plan.error().message);
  std::vector<SparseTensor> tensors;
  std::uint64_t total = 0;
  for (const WeightSlot& slot : weight_slots((*plan)->model())) {
    const bool vector = slot.role == WeightRole::norm;
    tensors.push_back({slot.name, vector ? std::vector{slot.columns} : std::vector{slot.rows, slot.columns},
                       static_cast<std::uint64_t>(2 * slot.rows * slot.columns)});
    total += tensors.back().bytes;
  }
  ordered_json map;
  auto tensor = tensors.begin();
  for (int shard = 1; shard <= shards; ++shard) {
    const std::string name =
        shards == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", shard, shards);
    std::vector<SparseTensor> part;
    for (std::uint64_t bytes = 0; tensor != tensors.end() && (bytes < total / shards || shard == shards); ++tensor) {
      bytes += tensor->bytes;
      map[tensor->name] = name;
      part.push_back(std::move(*tensor));
    }
    write_shard(folder / name, part, filled_bytes);
  }
  if (shards > 1)
    write_text(folder / "model.safetensors.index.json",
               ordered_json{{"metadata", {{"total_size", total}}}, {"weight_map", map}}.dump());
  return total;
}

}  // namespace quantscope::testing
