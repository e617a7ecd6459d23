// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/streamed_file.h"
#include "kernels/formats/ggml_type.h"

namespace quantscope {

/// The key-value section of a GGUF file that is about to be written, in the order of the calls.
class GgufPairs {
 public:
  void text(std::string_view key, std::string_view value);
  void u32(std::string_view key, std::uint32_t value);
  void f32(std::string_view key, float value);
  void boolean(std::string_view key, bool value);
  void texts(std::string_view key, const std::vector<std::string>& values);
  void i32s(std::string_view key, const std::vector<std::int32_t>& values);
  void f32s(std::string_view key, const std::vector<float>& values);

  std::uint64_t count() const { return count_; }
  const std::string& bytes() const { return bytes_; }

 private:
  void begin(std::string_view key, std::uint32_t type);
  void begin_array(std::string_view key, std::uint32_t element_type, std::size_t count);

  std::string bytes_;
  std::uint64_t count_ = 0;
};

/// A tensor that is about to be written.
struct GgufTensor {
  std::string name;                 ///< as GGUF names it, fewer than 64 bytes
  std::vector<std::int64_t> shape;  ///< slowest dimension first, as PyTorch prints it; 1 to 4
  GgmlType type = GgmlType::f32;

  std::uint64_t bytes() const;
};

/// Writes a GGUF file of version 3 in one pass: declare metadata and all tensors, append their bytes in that order in
/// pieces of any size, finish. Tensors are padded to 32 bytes. The file appears under its name only when it is
/// complete. Source: ggml, docs/gguf.md.
class GgufWriter {
 public:
  static Result<GgufWriter> create(const std::filesystem::path& path, const GgufPairs& pairs,
                                   std::vector<GgufTensor> tensors);

  /// The next bytes of the tensor at hand; never beyond its end.
  Result<void> append(std::span<const std::byte> bytes);
  /// Fails when bytes are missing.
  Result<void> finish();

 private:
  GgufWriter(StreamedFile file, std::vector<GgufTensor> tensors)
      : file_(std::move(file)), tensors_(std::move(tensors)) {}

  StreamedFile file_;
  std::vector<GgufTensor> tensors_;
  std::size_t current_ = 0;    // the tensor at hand
  std::uint64_t written_ = 0;  // of its bytes
};

}  // namespace quantscope
