// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/safetensors_header.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "core/checkpoint/byte_cursor.h"
#include "core/checkpoint/file_damage.h"
#include "core/checkpoint/json_document.h"

namespace quantscope {
namespace {

constexpr std::uint64_t max_header_bytes = 100'000'000;  // as the safetensors library has it
constexpr std::uint64_t length_bytes = 8;

Result<std::span<const std::byte>> header_text(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  ByteCursor cursor(bytes);
  const auto length = cursor.read<std::uint64_t>();
  if (cursor.failed()) return file_damage(file, 0, "it is shorter than 8 bytes");
  if (length > max_header_bytes || length > cursor.remaining())
    return file_damage(
        file, 0, fmt::format("its header is said to have {} bytes, and {} bytes follow", length, cursor.remaining()));
  return cursor.take(length);
}

/// A list of whole numbers of 0 or more, as shapes and offsets are.
std::optional<std::vector<std::int64_t>> whole_numbers(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const nlohmann::json& element : *found) {
    const auto number = whole_number(element);
    if (!number || *number < 0) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<std::uint64_t> element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape)
    if (__builtin_mul_overflow(count, dimension, &count)) return std::nullopt;
  return static_cast<std::uint64_t>(count);
}

struct Extent {
  std::uint64_t begin;
  std::uint64_t end;
};

/// The data_offsets of an entry, if they lie in a data section of this size.
std::optional<Extent> extent_of(const nlohmann::json& entry, std::uint64_t data_bytes) {
  const auto offsets = whole_numbers(entry, "data_offsets");
  if (!offsets || offsets->size() != 2) return std::nullopt;
  const Extent extent{static_cast<std::uint64_t>((*offsets)[0]), static_cast<std::uint64_t>((*offsets)[1])};
  if (extent.begin > extent.end || extent.end > data_bytes) return std::nullopt;
  return extent;
}

Result<void> add_tensor(SafetensorsHeader& header, const std::string& name, const nlohmann::json& entry,
                        std::uint64_t data_bytes, const std::filesystem::path& file) {
  const auto dtype = entry.is_object() ? entry.find("dtype") : entry.end();
  if (!entry.is_object() || dtype == entry.end() || !dtype->is_string())
    return file_damage(file, length_bytes, "its entry in the header has no dtype", name);
  const auto extent = extent_of(entry, data_bytes);
  if (!extent)
    return file_damage(file, length_bytes,
                       fmt::format("its data_offsets are no range inside the {} bytes of data", data_bytes), name);
  FileTensor tensor{name, *dtype, {}, extent->end - extent->begin, header.data_offset + extent->begin, 0};
  const std::uint64_t value_bytes = dtype_bytes(tensor.dtype);
  auto shape = whole_numbers(entry, "shape");
  const auto count = shape ? element_count(*shape) : std::nullopt;
  if (value_bytes > 0 && (!count || tensor.bytes % value_bytes != 0 || tensor.bytes / value_bytes != *count))
    return file_damage(file, tensor.offset, fmt::format("its shape does not agree with its {} bytes", tensor.bytes),
                       name);
  if (shape) tensor.shape = std::move(*shape);
  header.tensors.push_back(std::move(tensor));
  return {};
}

}  // namespace

Result<SafetensorsHeader> read_safetensors_header(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  const auto text = header_text(bytes, file);
  if (!text) return tl::unexpected(text.error());
  const nlohmann::json document = parse_json(*text);
  if (!document.is_object()) return file_damage(file, length_bytes, "its header is not a JSON object");
  SafetensorsHeader header;
  header.data_offset = length_bytes + text->size();
  for (const auto& [name, entry] : document.items()) {
    if (name == "__metadata__") continue;
    auto added = add_tensor(header, name, entry, bytes.size() - header.data_offset, file);
    if (!added) return tl::unexpected(std::move(added.error()));
  }
  return header;
}

}  // namespace quantscope
