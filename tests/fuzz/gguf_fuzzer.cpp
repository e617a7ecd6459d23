// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/open_gguf.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/read_everything.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static quantscope::fuzzing::MemoryFile file;
  file.write(data, size);
  quantscope::fuzzing::read_everything(quantscope::open_gguf(file.path()));
  return 0;
}
