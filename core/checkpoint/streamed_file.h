// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>

#include "kernels/error.h"

namespace quantscope {

/// A file that is written in pieces and appears under its name only when it is complete. An unfinished one removes what
/// it wrote.
class StreamedFile {
 public:
  static Result<StreamedFile> create(const std::filesystem::path& path);
  StreamedFile(StreamedFile&&) = default;
  StreamedFile& operator=(StreamedFile&&) = default;
  ~StreamedFile();

  Result<void> append(std::span<const std::byte> bytes);
  /// Zero bytes.
  Result<void> append_padding(std::uint64_t count);
  /// Flushes to the disk and renames.
  Result<void> finish();
  const std::filesystem::path& path() const { return path_; }

 private:
  StreamedFile() = default;
  Result<void> io_error() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once finished
  std::unique_ptr<std::ofstream> file_;
};

}  // namespace quantscope
