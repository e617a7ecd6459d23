// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// What an allocation is for. The rows of the ledger are disjoint.
enum class MemoryTag : std::uint8_t {
  codes,   ///< quantized (or dense) values of the linears in scope
  scales,  ///< absmax vectors, nested absmax, offsets, zero points
  embedding,
  head,  ///< 0 when tied to the embedding
  norms,
  unquantized,  ///< weights in no other row (linears left out of scope, biases)
  padding,      ///< extra bytes of packed layouts
  kv_cache,
  workspace,
};
inline constexpr std::size_t memory_tag_count = 9;

/// The field name that scripts rely on: "codes", "scales", ...
std::string_view memory_tag_name(MemoryTag tag);

/// Bytes per tag; the forecast and the measurement are both of this type.
struct MemoryRows {
  std::array<std::int64_t, memory_tag_count> bytes{};

  std::int64_t& operator[](MemoryTag tag) { return bytes[static_cast<std::size_t>(tag)]; }
  std::int64_t operator[](MemoryTag tag) const { return bytes[static_cast<std::size_t>(tag)]; }
  /// codes + scales + embedding + head + norms + unquantized: what published figures are compared with.
  std::int64_t weights() const;
  /// weights + padding + kv_cache + workspace.
  std::int64_t total() const;
};

/// Counts the bytes requested from it per tag, now and at the peak. Thread-safe.
class MemoryLedger {
 public:
  MemoryRows current() const;
  MemoryRows peak() const;
  /// Starts a new measurement: the peak falls back to what is held now.
  void reset_peak();
  /// Entered by the class that owns the memory (TaggedBuffer, that of a device), never by its users.
  void add(MemoryTag tag, std::int64_t bytes);
  void remove(MemoryTag tag, std::int64_t bytes);

 private:
  std::array<std::atomic<std::int64_t>, memory_tag_count> current_{};
  std::array<std::atomic<std::int64_t>, memory_tag_count> peak_{};
};

/// Owns host bytes, 64-byte aligned, entered in a ledger for as long as it lives. Movable, not copyable.
/// The ledger must outlive it. Contents are zero after allocation.
class TaggedBuffer {
 public:
  TaggedBuffer() = default;
  /// Fails with out_of_memory, naming tag and size. `bytes` may be 0.
  static Result<TaggedBuffer> allocate(MemoryLedger& ledger, MemoryTag tag, std::size_t bytes);
  TaggedBuffer(TaggedBuffer&& other) noexcept;
  TaggedBuffer& operator=(TaggedBuffer&& other) noexcept;
  TaggedBuffer(const TaggedBuffer&) = delete;
  TaggedBuffer& operator=(const TaggedBuffer&) = delete;
  ~TaggedBuffer();

  std::size_t size() const { return bytes_; }
  MemoryTag tag() const { return tag_; }
  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  /// The bytes as values of T; a trailing rest smaller than T is left out.
  template <class T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(data_), bytes_ / sizeof(T)};
  }
  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data_), bytes_ / sizeof(T)};
  }

 private:
  MemoryLedger* ledger_ = nullptr;
  MemoryTag tag_ = MemoryTag::workspace;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace quantscope
