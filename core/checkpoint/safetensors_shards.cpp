// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/safetensors_shards.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/checkpoint/json_document.h"

namespace quantscope {
namespace {

using TensorNames = std::set<std::string, std::less<>>;
using WeightMap = std::map<std::string, TensorNames>;  // by shard

tl::unexpected<Error> bad_index(const std::filesystem::path& index, const std::string& what) {
  return fail(ErrorCode::corrupt_file, fmt::format("{} {}; download it again.", index.filename().string(), what),
              index.string());
}

bool is_plain_file_name(const std::string& name) {
  const std::filesystem::path path(name);
  return !name.empty() && name.find('\0') == std::string::npos && path.filename() == path && name != "." &&
         name != "..";
}

Result<WeightMap> read_weight_map(const nlohmann::json& root, const std::filesystem::path& index) {
  const auto map = root.find("weight_map");
  if (map == root.end() || !map->is_object() || map->empty()) return bad_index(index, "has no weight_map");
  WeightMap shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) return bad_index(index, fmt::format("names no file for the tensor {}", tensor));
    const auto& name = shard.get_ref<const std::string&>();
    if (!is_plain_file_name(name))
      return bad_index(index, fmt::format("looks for the tensor {} outside its folder, in '{}'", tensor, name));
    shards[name].insert(tensor);
  }
  return shards;
}

Result<SafetensorsHeader> open_shard(const std::filesystem::path& path, SafetensorsShards& shards) {
  auto file = MappedFile::open(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  auto header = read_safetensors_header(file->bytes(), path);
  if (header) shards.files.push_back({std::move(*file), header->data_offset});
  return header;
}

/// Takes the tensors that the index places in this shard.
Result<void> add_shard(SafetensorsShards& shards, const std::filesystem::path& index, const std::string& name,
                       TensorNames wanted) {
  auto header = open_shard(index.parent_path() / name, shards);
  if (!header) return tl::unexpected(std::move(header.error()));
  for (FileTensor& tensor : header->tensors) {
    if (wanted.erase(tensor.name) == 0) continue;
    tensor.file = shards.files.size() - 1;
    shards.tensors.push_back(std::move(tensor));
  }
  if (wanted.empty()) return {};
  return bad_index(index, fmt::format("looks for the tensor {} in {}, which does not hold it", *wanted.begin(), name));
}

}  // namespace

Result<SafetensorsShards> open_single_safetensors(const std::filesystem::path& path) {
  SafetensorsShards shards;
  auto header = open_shard(path, shards);
  if (!header) return tl::unexpected(std::move(header.error()));
  shards.tensors = std::move(header->tensors);
  return shards;
}

Result<SafetensorsShards> open_indexed_safetensors(const std::filesystem::path& index) {
  auto document = open_json(index);
  if (!document) return tl::unexpected(std::move(document.error()));
  const auto map = read_weight_map(document->root, index);
  if (!map) return tl::unexpected(map.error());
  SafetensorsShards shards;
  for (const auto& [name, tensors] : *map) {
    auto added = add_shard(shards, index, name, tensors);
    if (!added) return tl::unexpected(std::move(added.error()));
  }
  shards.files.push_back(std::move(document->file));
  return shards;
}

}  // namespace quantscope
