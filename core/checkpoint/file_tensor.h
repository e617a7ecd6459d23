// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/checkpoint/mapped_checkpoint.h"
#include "kernels/error.h"

namespace quantscope {

/// A tensor of a safetensors file as the header states it, of whatever type. Its bytes lie inside the file.
struct FileTensor {
  std::string name;
  std::string dtype;  ///< "I32", "F8_E4M3": as in the file
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;  ///< of its first byte in its file
  std::size_t file = 0;      ///< index into the files of the checkpoint
};

/// Bytes of one value of a safetensors dtype; 0 if it is not known.
std::uint64_t dtype_bytes(std::string_view dtype);

/// The tensors of a checkpoint's files by name, for readers of layouts that keep one weight in several tensors. Files
/// and tensors must outlive it; the bytes it gives out live as long as the files stay mapped.
class FileTensors {
 public:
  FileTensors(std::span<const FileTensor> tensors, std::span<const CheckpointFile> files);

  std::span<const FileTensor> all() const { return tensors_; }
  const FileTensor* find(std::string_view name) const;
  std::span<const std::byte> bytes(const FileTensor& tensor) const;
  const std::filesystem::path& path(const FileTensor& tensor) const;

  /// The tensor that belongs to `of` under this name. Fails with not_found and names both.
  Result<const FileTensor*> companion(const FileTensor& of, const std::string& name) const;
  /// Fails with corrupt_file, naming file, tensor and offset, unless the tensor has this dtype and shape.
  Result<void> expect(const FileTensor& tensor, std::string_view dtype, std::span<const std::int64_t> shape) const;
  /// The corrupt_file error about a tensor.
  tl::unexpected<Error> damage(const FileTensor& tensor, std::string_view what) const;
  /// The error about a tensor that is whole but of a kind that is not read.
  tl::unexpected<Error> unsupported(const FileTensor& tensor, std::string_view what) const;

 private:
  std::span<const FileTensor> tensors_;
  std::span<const CheckpointFile> files_;
  std::unordered_map<std::string_view, const FileTensor*> by_name_;
};

}  // namespace quantscope
