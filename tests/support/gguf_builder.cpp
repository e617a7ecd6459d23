// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/gguf_builder.h"

#include <algorithm>

namespace quantscope::testing {
namespace {

enum Type : std::uint32_t { u32_type = 4, i32_type = 5, f32_type = 6, bool_type = 7, string_type = 8, array_type = 9 };

std::string array_bytes(Type element, std::uint64_t count, std::string_view elements) {
  return bytes_of<std::uint32_t>(element) + bytes_of(count) + std::string(elements);
}

void pad(std::string& bytes, std::uint64_t alignment) {
  bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
}

}  // namespace

std::string gguf_string(std::string_view text) { return bytes_of<std::uint64_t>(text.size()) + std::string(text); }

GgufBuilder& GgufBuilder::raw(std::string_view key, std::uint32_t type, std::string_view bytes) {
  pairs_.push_back({std::string(key), type, std::string(bytes)});
  return *this;
}

GgufBuilder& GgufBuilder::text(std::string_view key, std::string_view value) {
  return raw(key, string_type, gguf_string(value));
}

GgufBuilder& GgufBuilder::u32(std::string_view key, std::uint32_t value) { return raw(key, u32_type, bytes_of(value)); }

GgufBuilder& GgufBuilder::f32(std::string_view key, float value) { return raw(key, f32_type, bytes_of(value)); }

GgufBuilder& GgufBuilder::boolean(std::string_view key, bool value) {
  return raw(key, bool_type, bytes_of(static_cast<std::uint8_t>(value)));
}

GgufBuilder& GgufBuilder::texts(std::string_view key, const std::vector<std::string>& values) {
  std::string elements;
  for (const std::string& value : values) elements += gguf_string(value);
  return raw(key, array_type, array_bytes(string_type, values.size(), elements));
}

GgufBuilder& GgufBuilder::i32s(std::string_view key, const std::vector<std::int32_t>& values) {
  std::string elements;
  for (const std::int32_t value : values) elements += bytes_of(value);
  return raw(key, array_type, array_bytes(i32_type, values.size(), elements));
}

GgufBuilder& GgufBuilder::without(std::string_view key) {
  std::erase_if(pairs_, [key](const Pair& pair) { return pair.key == key; });
  return *this;
}

GgufBuilder& GgufBuilder::tensor(std::string_view name, const std::vector<std::int64_t>& dimensions, std::uint32_t type,
                                 std::string_view data) {
  tensors_.push_back({std::string(name), dimensions, type, std::string(data)});
  return *this;
}

GgufBuilder& GgufBuilder::f32_tensor(std::string_view name, const std::vector<std::int64_t>& dimensions,
                                     const std::vector<float>& values) {
  return tensor(name, dimensions, 0, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

GgufBuilder& GgufBuilder::shift_last_offset(std::int64_t by) {
  tensors_.back().shift = by;
  return *this;
}

GgufBuilder& GgufBuilder::without_tensor(std::string_view name) {
  std::erase_if(tensors_, [name](const Tensor& tensor) { return tensor.name == name; });
  return *this;
}

std::string GgufBuilder::build() const {
  std::string file = "GGUF" + bytes_of(version) + bytes_of<std::uint64_t>(tensors_.size() + extra_tensors) +
                     bytes_of<std::uint64_t>(pairs_.size() + extra_keys);
  for (const Pair& pair : pairs_) file += gguf_string(pair.key) + bytes_of(pair.type) + pair.bytes;
  std::string data;
  for (const Tensor& tensor : tensors_) {
    file += gguf_string(tensor.name) + bytes_of(static_cast<std::uint32_t>(tensor.dimensions.size()));
    for (const std::int64_t dimension : tensor.dimensions) file += bytes_of(dimension);
    file += bytes_of(tensor.type) + bytes_of<std::uint64_t>(data.size() + tensor.shift);
    data += tensor.data;
    pad(data, alignment);
  }
  pad(file, alignment);
  return file + data;
}

}  // namespace quantscope::testing
