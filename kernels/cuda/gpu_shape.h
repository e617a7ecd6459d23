// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace quantscope::cuda {

/// What launches and their scratch are sized by.
struct GpuShape {
  int capability = 0;  ///< 10 * major + minor
  int multiprocessors = 1;
  std::int64_t l2_bytes = 0;
};

}  // namespace quantscope::cuda
