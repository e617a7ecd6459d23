// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace quantscope {
namespace {

tl::unexpected<Error> system_failure(const std::filesystem::path& path, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::not_found : ErrorCode::io;
  return fail(code, "Cannot open " + path.string() + ": " + std::generic_category().message(error) + ".",
              path.string());
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  MappedFile file;
  file.path_ = path;
  // O_NONBLOCK: a named pipe must be refused, not waited for.
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) return system_failure(path, errno);
  struct stat status {};
  if (::fstat(file.descriptor_, &status) != 0) return system_failure(path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::invalid_argument, path.string() + " is not a regular file; choose a file.", path.string());
  if (status.st_size == 0) return file;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor_, 0);
  if (data == MAP_FAILED) return system_failure(path, errno);
  file.data_ = static_cast<std::byte*>(data);
  file.size_ = size;
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> MappedFile::check_not_cut() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return system_failure(path_, errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size >= size_) return {};
  return fail(ErrorCode::corrupt_file,
              path_.string() + " was cut from " + std::to_string(size_) + " to " + std::to_string(size) +
                  " bytes while open; restore the file and open it again.",
              path_.string());
}

void MappedFile::prefetch(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= size_ || length == 0) return;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t start = offset / page * page;
  const std::uint64_t end = length < size_ - offset ? offset + length : size_;
  ::madvise(data_ + start, end - start, MADV_WILLNEED);  // a hint: its failure changes nothing
}

}  // namespace quantscope
