// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace quantscope::cuda {

/// The positions that a row sees.
struct Sight {
  int first, end;
  __device__ bool sees(int position) const { return position >= first && position < end; }
};

/// All positions up to the row's own, or the last `window` of them if that is not 0.
__device__ inline Sight sight_of(std::int64_t window, std::int64_t position) {
  const int end = static_cast<int>(position) + 1;
  return {window > 0 && end > window ? end - static_cast<int>(window) : 0, end};
}

}  // namespace quantscope::cuda
