// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/report/run_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quantscope;
  const auto runs = runs_from_json({reinterpret_cast<const char*>(data), size});
  if (!runs) {
    if (runs.error().message.empty()) __builtin_trap();
    return 0;
  }
  // What was read leaves and comes back.
  const std::string written = runs_json(*runs);
  const auto again = runs_from_json(written);
  if (!again || runs_json(*again) != written) __builtin_trap();
  return 0;
}
