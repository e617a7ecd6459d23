// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace quantscope {

static_assert(std::endian::native == std::endian::little, "the readers take fields as they lie in the file");

/// Reads little-endian fields one after another and never past the end. After the first read that does not fit,
/// failed() is true and every read gives zero or nothing, so that a reader may check once per record.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return failed_ ? 0 : bytes_.size() - offset_; }
  bool failed() const { return failed_; }
  /// All bytes that this cursor runs over.
  std::span<const std::byte> bytes() const { return bytes_; }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > remaining()) {
      failed_ = true;
      return {};
    }
    const auto taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

  template <class T>
  requires std::integral<T> || std::floating_point<T> T read() {
    T value{};
    const auto source = take(sizeof(T));
    if (source.size() == sizeof(T)) std::memcpy(&value, source.data(), sizeof(T));
    return value;
  }

  /// A string with its length in 64 bits before it, as GGUF stores it. Refers to the bytes of the file.
  std::string_view read_string() {
    const auto source = take(read<std::uint64_t>());
    return {reinterpret_cast<const char*>(source.data()), source.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
  bool failed_ = false;
};

}  // namespace quantscope
