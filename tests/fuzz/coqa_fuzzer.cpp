// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/ask_dataset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quantscope::fuzz::ask_dataset(quantscope::parse_coqa({reinterpret_cast<const char*>(data), size}, "fuzz.json"));
  return 0;
}
