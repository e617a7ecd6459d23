// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <unordered_set>

#include "core/checkpoint/file_damage.h"
#include "core/checkpoint/stored_type.h"
#include "core/input/utf8.h"

namespace quantscope {
namespace {

constexpr std::uint32_t magic = 0x46554747;  // "GGUF"
constexpr std::uint32_t max_dimensions = 4;
constexpr std::size_t max_name_bytes = 63;
constexpr std::int64_t default_alignment = 32;
// The least that a record takes in the file; bounds the counts before anything is read.
constexpr std::uint64_t min_pair_bytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t min_tensor_bytes = 8 + 4 + 8 + 4 + 8;

struct Counts {
  std::uint32_t version;
  std::uint64_t tensors;
  std::uint64_t pairs;
};

Result<std::uint32_t> read_version(ByteCursor& cursor, const std::filesystem::path& file) {
  if (cursor.read<std::uint32_t>() != magic) return file_damage(file, 0, "it does not begin with 'GGUF'");
  const auto version = cursor.read<std::uint32_t>();
  if (cursor.failed()) return file_damage(file, 4, "it ends inside the version");
  if (version == 2 || version == 3) return version;
  const std::string name = file.filename().string();
  const std::string where = fmt::format("{}, byte 4", file.string());
  if ((version & 0xFFFFU) == 0)
    return fail(ErrorCode::unsupported, name + " is a big-endian GGUF file; convert it to little endian.", where);
  return fail(ErrorCode::unsupported,
              fmt::format("{} is a GGUF file of version {}, and versions 2 and 3 are supported; convert it again.",
                          name, version),
              where);
}

Result<Counts> read_counts(ByteCursor& cursor, const std::filesystem::path& file) {
  const auto version = read_version(cursor, file);
  if (!version) return tl::unexpected(version.error());
  const Counts counts{*version, cursor.read<std::uint64_t>(), cursor.read<std::uint64_t>()};
  if (cursor.failed()) return file_damage(file, 8, "it ends inside the counts of tensors and metadata keys");
  if (counts.tensors > cursor.remaining() / min_tensor_bytes)
    return file_damage(file, 8, fmt::format("it is too short for {} tensors", counts.tensors));
  if (counts.pairs > cursor.remaining() / min_pair_bytes)
    return file_damage(file, 16, fmt::format("it is too short for {} metadata keys", counts.pairs));
  return counts;
}

Result<std::int64_t> read_alignment(GgufMetadata& metadata) {
  const std::string_view key = "general.alignment";
  const std::int64_t alignment = metadata.optional_integer(key).value_or(default_alignment);
  if (auto status = metadata.status(); !status) return tl::unexpected(status.error());
  if (alignment > 0 && std::has_single_bit(static_cast<std::uint64_t>(alignment)) &&
      alignment <= std::numeric_limits<std::uint32_t>::max())
    return alignment;
  return file_damage(metadata.file(), metadata.find(key)->offset,
                     fmt::format("the alignment {} is no power of two below 2^32", alignment));
}

Result<std::vector<std::int64_t>> read_shape(ByteCursor& cursor, std::string_view name,
                                             const std::filesystem::path& file) {
  const std::uint64_t offset = cursor.offset();
  const auto dimensions = cursor.read<std::uint32_t>();
  if (dimensions < 1 || dimensions > max_dimensions)
    return file_damage(file, offset, fmt::format("it has {} dimensions, not 1 to {}", dimensions, max_dimensions),
                       name);
  std::vector<std::int64_t> shape(dimensions);
  for (std::int64_t& dimension : shape) dimension = cursor.read<std::int64_t>();
  if (!cursor.failed() && std::ranges::any_of(shape, [](std::int64_t dimension) { return dimension <= 0; }))
    return file_damage(file, offset, "a dimension is not positive", name);
  std::ranges::reverse(shape);  // GGUF lists the contiguous dimension first
  return shape;
}

tl::unexpected<Error> unsupported_type(const std::filesystem::path& file, std::string_view tensor, std::uint32_t id) {
  return fail(ErrorCode::unsupported,
              fmt::format("{} stores tensor {} as {} (ggml type {}), which is not read; choose a file with another "
                          "quantization, such as Q8_0 or Q4_K.",
                          file.filename().string(), tensor, ggml_type_name(id), id),
              fmt::format("{}, tensor {}", file.string(), tensor));
}

/// Reads one tensor record; its offset is still relative to the data section.
Result<TensorInfo> read_tensor(ByteCursor& cursor, const std::filesystem::path& file) {
  const std::uint64_t start = cursor.offset();
  const std::string_view name = cursor.read_string();
  if (cursor.failed()) return file_damage(file, start, "it ends inside a tensor name");
  if (name.empty() || name.size() > max_name_bytes || !is_utf8(name))
    return file_damage(file, start,
                       fmt::format("a tensor name is empty, longer than {} bytes or not UTF-8", max_name_bytes));
  auto shape = read_shape(cursor, name, file);
  if (!shape) return tl::unexpected(std::move(shape.error()));
  const auto type_id = cursor.read<std::uint32_t>();
  const auto offset = cursor.read<std::uint64_t>();
  if (cursor.failed()) return file_damage(file, start, "it ends inside the description of the tensor", name);
  const auto type = stored_type_of_ggml(type_id);
  if (!type) return unsupported_type(file, name, type_id);
  const auto bytes = stored_bytes(*type, *shape);
  if (!bytes)
    return file_damage(file, start,
                       fmt::format("its dimensions do not fit type {} or are too large", stored_type_info(*type).name),
                       name);
  return TensorInfo{std::string(name), std::string(name), *type, std::move(*shape), *bytes, offset, 0};
}

/// Makes the offsets absolute. ggml writes tensors in listed order, each padded to the alignment, and refuses any other
/// offset; so nothing can overlap.
Result<void> place_tensors(GgufHeader& header, std::uint64_t alignment, std::uint64_t file_bytes) {
  const std::filesystem::path& file = header.metadata.file();
  std::uint64_t expected = 0;
  const std::uint64_t data_bytes = file_bytes - std::min(file_bytes, header.data_offset);
  for (TensorInfo& tensor : header.tensors) {
    if (tensor.offset != expected)
      return file_damage(file, header.data_offset,
                         fmt::format("its data begins {} bytes into the data section, not {}", tensor.offset, expected),
                         tensor.name);
    if (tensor.offset > data_bytes || tensor.bytes > data_bytes - tensor.offset)
      return file_damage(file, file_bytes,
                         fmt::format("the file ends before the {} bytes of its data do", tensor.bytes), tensor.name);
    expected += (tensor.bytes + alignment - 1) / alignment * alignment;
    tensor.offset += header.data_offset;
  }
  return {};
}

Result<void> read_tensors(GgufHeader& header, ByteCursor& cursor, std::uint64_t count) {
  std::unordered_set<std::string> names;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = cursor.offset();
    auto tensor = read_tensor(cursor, header.metadata.file());
    if (!tensor) return tl::unexpected(std::move(tensor.error()));
    if (!names.insert(tensor->name).second)
      return file_damage(header.metadata.file(), offset, "it occurs twice", tensor->name);
    header.tensors.push_back(std::move(*tensor));
  }
  return {};
}

}  // namespace

Result<GgufHeader> read_gguf_header(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  ByteCursor cursor(bytes);
  const auto counts = read_counts(cursor, file);
  if (!counts) return tl::unexpected(counts.error());
  auto metadata = GgufMetadata::read(cursor, counts->pairs, file);
  if (!metadata) return tl::unexpected(std::move(metadata.error()));
  GgufHeader header{counts->version, std::move(*metadata), {}, 0};
  const auto alignment = read_alignment(header.metadata);
  if (!alignment) return tl::unexpected(alignment.error());
  if (auto read = read_tensors(header, cursor, counts->tensors); !read) return tl::unexpected(std::move(read.error()));
  const auto align = static_cast<std::uint64_t>(*alignment);
  header.data_offset = (cursor.offset() + align - 1) / align * align;
  if (auto placed = place_tensors(header, align, bytes.size()); !placed)
    return tl::unexpected(std::move(placed.error()));
  return header;
}

}  // namespace quantscope
