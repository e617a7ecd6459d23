// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/checkpoint/streamed_file.h"
#include "kernels/error.h"

namespace quantscope {

/// A tensor that is about to be written.
struct TensorDeclaration {
  std::string name;
  std::string_view dtype;  ///< "F32", "U8", "I8", ... of the safetensors format
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;
};

/// Writes a .safetensors file (8-byte header length, JSON header, raw little-endian bytes) in one pass: declare all
/// tensors, append their bytes in that order in pieces of any size, finish. The file appears under its name only when
/// it is complete; an unfinished writer removes what it wrote.
class SafetensorsWriter {
 public:
  static Result<SafetensorsWriter> create(const std::filesystem::path& path,
                                          const std::vector<TensorDeclaration>& tensors);

  Result<void> append(std::span<const std::byte> bytes);
  template <class T>
  Result<void> append_values(std::span<const T> values) {
    return append(std::as_bytes(values));
  }
  /// Fails when fewer or more bytes were appended than declared.
  Result<void> finish();

 private:
  SafetensorsWriter(StreamedFile file, std::uint64_t missing) : file_(std::move(file)), missing_(missing) {}

  StreamedFile file_;
  std::uint64_t missing_;  // bytes to come
};

}  // namespace quantscope
