// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace quantscope {
namespace {

/// A file descriptor that closes itself.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  bool write_all(std::string_view bytes) {
    while (descriptor_ >= 0 && !bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    // Without fsync a full disk may only show after the rename.
    return descriptor_ >= 0 && ::fsync(descriptor_) == 0;
  }

 private:
  int descriptor_;
};

}  // namespace

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.part", ::getpid());
  if (!OutputFile(temporary).write_all(bytes) || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return fail(ErrorCode::io,
                fmt::format("Cannot write {} ({}). The old file, if any, is untouched; free space or choose another "
                            "folder.",
                            path.string(), std::strerror(reason)),
                path.string());
  }
  return {};
}

}  // namespace quantscope
