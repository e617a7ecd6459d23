// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace quantscope::fuzzing {

MemoryFile::MemoryFile() : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
  if (descriptor_ < 0) std::abort();
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

void MemoryFile::write(const std::uint8_t* data, std::size_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) std::abort();
  if (::pwrite(descriptor_, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
}

}  // namespace quantscope::fuzzing
