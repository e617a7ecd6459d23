// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quantscope::testing {

/// Writes small GGUF files for tests, independently of the program's reader. Nothing is checked, so that broken files
/// can be made as well.
class GgufBuilder {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;     ///< of the data section; not written as a key
  std::uint64_t extra_tensors = 0;  ///< added to the tensor count only
  std::uint64_t extra_keys = 0;     ///< added to the key count only

  GgufBuilder& text(std::string_view key, std::string_view value);
  GgufBuilder& u32(std::string_view key, std::uint32_t value);
  GgufBuilder& f32(std::string_view key, float value);
  GgufBuilder& boolean(std::string_view key, bool value);
  GgufBuilder& texts(std::string_view key, const std::vector<std::string>& values);
  GgufBuilder& i32s(std::string_view key, const std::vector<std::int32_t>& values);
  /// Any type id with any bytes after it.
  GgufBuilder& raw(std::string_view key, std::uint32_t type, std::string_view bytes);
  /// Removes a key written before.
  GgufBuilder& without(std::string_view key);

  /// `dimensions` as GGUF lists them, contiguous first.
  GgufBuilder& tensor(std::string_view name, const std::vector<std::int64_t>& dimensions, std::uint32_t type,
                      std::string_view data);
  GgufBuilder& f32_tensor(std::string_view name, const std::vector<std::int64_t>& dimensions,
                          const std::vector<float>& values);
  /// Shifts the offset that is written for the last tensor.
  GgufBuilder& shift_last_offset(std::int64_t by);
  GgufBuilder& without_tensor(std::string_view name);

  std::string build() const;

 private:
  struct Pair {
    std::string key;
    std::uint32_t type;
    std::string bytes;
  };
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> dimensions;
    std::uint32_t type;
    std::string data;
    std::int64_t shift = 0;
  };
  std::vector<Pair> pairs_;
  std::vector<Tensor> tensors_;
};

/// The bytes of a value as it lies in memory.
template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
/// A string with its length before it.
std::string gguf_string(std::string_view text);

}  // namespace quantscope::testing
