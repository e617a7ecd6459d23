// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/byte_cursor.h"
#include "kernels/error.h"

namespace quantscope {

/// Value types of GGUF metadata. Source: ggml, include/gguf.h.
enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// One metadata value as it lies in the file; nothing is copied. The file must stay mapped.
struct GgufValue {
  GgufType type = GgufType::u8;  ///< of the value, or of each element of an array
  bool is_array = false;
  std::uint64_t count = 1;           ///< elements of an array
  std::span<const std::byte> bytes;  ///< without type and count; strings with their lengths
  std::uint64_t offset = 0;          ///< of `bytes` in the file
};

/// The key-value section of a GGUF file. The typed readers remember the first failure (a missing key, a value of
/// another type or out of range) and give a harmless value from then on; status() reports it.
class GgufMetadata {
 public:
  /// Reads `count` pairs. Every length is checked against what is left of the file before it is used.
  static Result<GgufMetadata> read(ByteCursor& cursor, std::uint64_t count, const std::filesystem::path& file);

  const GgufValue* find(std::string_view key) const;
  const std::filesystem::path& file() const { return file_; }
  const std::map<std::string, GgufValue, std::less<>>& values() const { return values_; }

  std::int64_t integer(std::string_view key);
  std::optional<std::int64_t> optional_integer(std::string_view key);
  std::optional<double> optional_number(std::string_view key);
  std::optional<bool> optional_boolean(std::string_view key);
  /// Empty when absent; a damaged file when not UTF-8.
  std::string text(std::string_view key);
  /// Raw bytes of each string; empty when absent.
  std::vector<std::string> strings(std::string_view key);
  std::vector<float> floats(std::string_view key);
  std::vector<std::int32_t> integers(std::string_view key);

  Result<void> status() const;

 private:
  void reject(std::string_view key, const GgufValue& value, std::string_view expected);
  const GgufValue* find_array(std::string_view key, std::span<const GgufType> element_types, std::string_view expected);

  std::filesystem::path file_;
  std::map<std::string, GgufValue, std::less<>> values_;
  std::optional<Error> failure_;
};

}  // namespace quantscope
