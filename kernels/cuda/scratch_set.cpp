// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/scratch_set.h"

#include <algorithm>
#include <numeric>

namespace quantscope::cuda {

void ScratchSizes::raise(ScratchUse use, std::int64_t needed) { (*this)[use] = std::max((*this)[use], needed); }

std::int64_t ScratchSizes::total() const { return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}); }

Result<void> ScratchSet::resize(Device& device, const ScratchSizes& sizes) {
  // What shrinks goes first, so that what grows finds its room.
  for (const bool growing : {false, true}) {
    for (std::size_t use = 0; use < scratch_use_count; ++use) {
      const auto bytes = static_cast<std::size_t>(sizes.bytes[use]);
      if ((bytes > scratch_[use].size()) != growing) continue;
      if (auto resized = scratch_[use].resize(device, bytes); !resized) return resized;
    }
  }
  return {};
}

}  // namespace quantscope::cuda
