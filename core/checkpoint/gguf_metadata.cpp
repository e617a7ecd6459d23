// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_metadata.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <utility>

#include "core/checkpoint/file_damage.h"
#include "core/input/utf8.h"

namespace quantscope {
namespace {

/// Bytes of one value, 0 for types without a fixed size; indexed by GgufType.
constexpr std::array<std::uint64_t, 13> scalar_bytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

bool is_gguf_type(std::uint32_t id) { return id < scalar_bytes.size(); }
std::uint64_t bytes_of(GgufType type) { return scalar_bytes[static_cast<std::size_t>(type)]; }

/// Steps over `count` values of a type.
void skip_values(ByteCursor& cursor, GgufType type, std::uint64_t count) {
  if (type == GgufType::string) {
    for (std::uint64_t i = 0; i < count && !cursor.failed(); ++i) cursor.read_string();
    return;
  }
  // A product that overflows must fail like one that is merely too long.
  std::uint64_t bytes = 0;
  const bool overflow = __builtin_mul_overflow(count, bytes_of(type), &bytes);
  cursor.take(overflow ? std::numeric_limits<std::uint64_t>::max() : bytes);
}

Result<GgufType> read_type(ByteCursor& cursor, const std::filesystem::path& file) {
  const std::uint64_t offset = cursor.offset();
  const auto id = cursor.read<std::uint32_t>();
  if (is_gguf_type(id)) return static_cast<GgufType>(id);
  return file_damage(file, offset, fmt::format("{} is no metadata type", id));
}

Result<GgufValue> read_value(ByteCursor& cursor, const std::filesystem::path& file) {
  GgufValue value;
  auto type = read_type(cursor, file);
  if (type && *type == GgufType::array) {
    value.is_array = true;
    const std::uint64_t offset = cursor.offset();
    type = read_type(cursor, file);
    if (type && *type == GgufType::array) return file_damage(file, offset, "an array of arrays is not allowed");
    value.count = cursor.read<std::uint64_t>();
  }
  if (!type) return tl::unexpected(std::move(type.error()));
  value.type = *type;
  value.offset = cursor.offset();
  skip_values(cursor, value.type, value.count);
  if (!cursor.failed()) value.bytes = cursor.bytes().subspan(value.offset, cursor.offset() - value.offset);
  return value;
}

std::optional<std::int64_t> to_integer(GgufType type, ByteCursor cursor) {
  switch (type) {
    case GgufType::u8: return cursor.read<std::uint8_t>();
    case GgufType::i8: return cursor.read<std::int8_t>();
    case GgufType::u16: return cursor.read<std::uint16_t>();
    case GgufType::i16: return cursor.read<std::int16_t>();
    case GgufType::u32: return cursor.read<std::uint32_t>();
    case GgufType::i32: return cursor.read<std::int32_t>();
    case GgufType::i64: return cursor.read<std::int64_t>();
    case GgufType::u64: {
      const auto value = cursor.read<std::uint64_t>();
      if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
      return std::nullopt;
    }
    case GgufType::f32:
    case GgufType::f64:
    case GgufType::boolean:
    case GgufType::string:
    case GgufType::array: break;
  }
  return std::nullopt;
}

std::optional<double> to_number(GgufType type, ByteCursor cursor) {
  if (type == GgufType::f32) return static_cast<double>(cursor.read<float>());
  if (type == GgufType::f64) return cursor.read<double>();
  return std::nullopt;
}

}  // namespace

Result<GgufMetadata> GgufMetadata::read(ByteCursor& cursor, std::uint64_t count, const std::filesystem::path& file) {
  GgufMetadata metadata;
  metadata.file_ = file;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = cursor.offset();
    const std::string_view key = cursor.read_string();
    if (cursor.failed()) return file_damage(file, offset, fmt::format("it ends inside metadata key {}", i));
    if (key.empty() || !is_utf8(key)) return file_damage(file, offset, "a metadata key is empty or not UTF-8");
    auto value = read_value(cursor, file);
    if (cursor.failed()) return file_damage(file, offset, fmt::format("it ends inside the value of '{}'", key));
    if (!value) return tl::unexpected(std::move(value.error()));
    if (!metadata.values_.emplace(key, *value).second)
      return file_damage(file, offset, fmt::format("metadata key '{}' occurs twice", key));
  }
  return metadata;
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void GgufMetadata::reject(std::string_view key, const GgufValue& value, std::string_view expected) {
  if (!failure_) failure_ = file_damage(file_, value.offset, fmt::format("'{}' is not {}", key, expected)).value();
}

std::int64_t GgufMetadata::integer(std::string_view key) {
  if (find(key) == nullptr && !failure_)
    failure_ =
        Error{ErrorCode::not_found,
              fmt::format("{} has no metadata key '{}'; convert the model again.", file_.filename().string(), key),
              {},
              fmt::format("{}, {}", file_.string(), key)};
  return optional_integer(key).value_or(0);
}

std::optional<std::int64_t> GgufMetadata::optional_integer(std::string_view key) {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->is_array ? std::nullopt : to_integer(value->type, ByteCursor(value->bytes));
  if (!number) reject(key, *value, "a single whole number");
  return number;
}

std::optional<double> GgufMetadata::optional_number(std::string_view key) {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->is_array ? std::nullopt : to_number(value->type, ByteCursor(value->bytes));
  if (!number) reject(key, *value, "a floating-point number");
  return number;
}

std::optional<bool> GgufMetadata::optional_boolean(std::string_view key) {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array && value->type == GgufType::boolean) return value->bytes[0] != std::byte{0};
  reject(key, *value, "true or false");
  return std::nullopt;
}

std::string GgufMetadata::text(std::string_view key) {
  const GgufValue* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_array && value->type == GgufType::string) {
    const std::string_view string = ByteCursor(value->bytes).read_string();
    if (is_utf8(string)) return std::string(string);
  }
  reject(key, *value, "UTF-8 text");
  return {};
}

const GgufValue* GgufMetadata::find_array(std::string_view key, std::span<const GgufType> element_types,
                                          std::string_view expected) {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  for (const GgufType type : element_types)
    if (value->is_array && value->type == type) return value;
  reject(key, *value, expected);
  return nullptr;
}

std::vector<std::string> GgufMetadata::strings(std::string_view key) {
  std::vector<std::string> list;
  constexpr std::array accepted = {GgufType::string};
  const GgufValue* value = find_array(key, accepted, "a list of strings");
  if (value == nullptr) return list;
  list.reserve(value->count);
  ByteCursor cursor(value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) list.emplace_back(cursor.read_string());
  return list;
}

std::vector<float> GgufMetadata::floats(std::string_view key) {
  std::vector<float> list;
  constexpr std::array accepted = {GgufType::f32};
  const GgufValue* value = find_array(key, accepted, "a list of 32-bit floating-point numbers");
  if (value == nullptr) return list;
  list.reserve(value->count);
  ByteCursor cursor(value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) list.push_back(cursor.read<float>());
  return list;
}

std::vector<std::int32_t> GgufMetadata::integers(std::string_view key) {
  std::vector<std::int32_t> list;
  constexpr std::array accepted = {GgufType::i32, GgufType::u32};
  const GgufValue* value = find_array(key, accepted, "a list of 32-bit whole numbers");
  if (value == nullptr) return list;
  list.reserve(value->count);
  ByteCursor cursor(value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) list.push_back(cursor.read<std::int32_t>());
  return list;
}

Result<void> GgufMetadata::status() const {
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

}  // namespace quantscope
