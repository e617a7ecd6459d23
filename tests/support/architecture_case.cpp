// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/architecture_case.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "core/checkpoint/safetensors_writer.h"

namespace quantscope::testing {
namespace {
using nlohmann::json;

json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return json::parse(file);
}

/// `value` of make_architectures.py: FNV-1a of the name, then xorshift32, the top 8 bits of each state.
std::vector<float> hashed_values(const std::string& name, std::int64_t count) {
  std::uint32_t state = 2166136261U;
  for (const char letter : name) state = (state ^ static_cast<std::uint8_t>(letter)) * 16777619U;
  if (state == 0) state = 1;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    value = static_cast<float>(state >> 24) / 128.0F - 1.0F;
  }
  return values;
}

/// `weights` of make_architectures.py.
std::vector<float> weight_values(const std::string& name, std::int64_t count, bool offset_norms) {
  std::vector<float> values = hashed_values(name, count);
  const auto scale_by = [&values](float factor) {
    for (float& value : values) value *= factor;
  };
  if (name.find("norm") != std::string::npos)
    for (float& value : values) value = std::floor(value * 16.0F) / 64.0F + (offset_norms ? 0.0F : 1.0F);
  else if (name.ends_with(".bias"))
    scale_by(0.5F);
  else if (name.find("embed_tokens") == std::string::npos)
    scale_by(0.25F);
  return values;
}

void require(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

}  // namespace

ArchitectureCase ArchitectureCase::open(const std::string& name) {
  ArchitectureCase opened;
  opened.folder = source_folder() / "tests/data/architectures" / name;
  opened.outputs = read_oracle(opened.folder / "outputs.safetensors");
  return opened;
}

void ArchitectureCase::write_checkpoint(const std::filesystem::path& target,
                                        const std::map<std::string, std::string>& replaced) const {
  json config = read_json(folder / "config.json");
  for (const auto& [key, text] : replaced) config[key] = json::parse(text);
  std::ofstream(target / "config.json") << config.dump(1);

  const json shapes = read_json(folder / "tensors.json");
  std::vector<TensorDeclaration> tensors;
  for (const auto& [name, shape] : shapes.items()) {
    const auto dimensions = shape.get<std::vector<std::int64_t>>();
    const auto count = std::accumulate(dimensions.begin(), dimensions.end(), std::int64_t{1}, std::multiplies<>());
    tensors.push_back({name, "F32", dimensions, static_cast<std::uint64_t>(count) * sizeof(float)});
  }
  auto writer = SafetensorsWriter::create(target / "model.safetensors", tensors);
  if (!writer) throw std::runtime_error(writer.error().message);
  const bool offset_norms = config.at("model_type") == "gemma2";
  for (const TensorDeclaration& tensor : tensors) {
    const auto values =
        weight_values(tensor.name, static_cast<std::int64_t>(tensor.bytes / sizeof(float)), offset_norms);
    require(writer->append_values(std::span<const float>(values)));
  }
  require(writer->finish());
}

}  // namespace quantscope::testing
