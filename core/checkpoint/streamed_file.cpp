// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/streamed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace quantscope {
namespace {

/// Without it a full disk may only show after the rename.
bool flush_to_disk(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool flushed = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return flushed;
}

}  // namespace

Result<StreamedFile> StreamedFile::create(const std::filesystem::path& path) {
  StreamedFile file;
  file.path_ = path;
  file.temporary_ = path;
  file.temporary_ += fmt::format(".{}.part", ::getpid());
  file.file_ = std::make_unique<std::ofstream>(file.temporary_, std::ios::binary | std::ios::trunc);
  if (!*file.file_) return tl::unexpected(file.io_error().error());
  return file;
}

StreamedFile::~StreamedFile() {
  std::error_code ignored;
  if (file_ && !temporary_.empty()) std::filesystem::remove(temporary_, ignored);
}

Result<void> StreamedFile::append(std::span<const std::byte> bytes) {
  file_->write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!*file_) return io_error();
  return {};
}

Result<void> StreamedFile::append_padding(std::uint64_t count) {
  constexpr std::array<std::byte, 64> zeros{};
  for (std::uint64_t left = count; left > 0;) {
    const std::uint64_t now = left < zeros.size() ? left : zeros.size();
    if (auto done = append(std::span(zeros).first(now)); !done) return done;
    left -= now;
  }
  return {};
}

Result<void> StreamedFile::finish() {
  file_->close();
  if (!*file_ || !flush_to_disk(temporary_)) return io_error();
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) return io_error();
  temporary_.clear();
  return {};
}

Result<void> StreamedFile::io_error() const {
  return fail(ErrorCode::io,
              fmt::format("Cannot write {}: is the folder there, writable, and is the disk not full?", path_.string()),
              path_.string());
}

}  // namespace quantscope
