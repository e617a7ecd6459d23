// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "kernels/error.h"

namespace quantscope {

/// A file mapped read-only for as long as this lives. Movable, not copyable; safe to read from several threads.
class MappedFile {
 public:
  /// Fails with not_found or io, naming the file and the system's reason.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Fails with corrupt_file when the file has become shorter since it was mapped: touching the missing pages would
  /// kill the process. To be asked before each use of mapped bytes.
  Result<void> check_not_cut() const;
  /// Starts reading these bytes from the disk in the background.
  void prefetch(std::uint64_t offset, std::uint64_t length) const;

 private:
  MappedFile() = default;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace quantscope
