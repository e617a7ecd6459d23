// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/clock.h"
#include "kernels/error.h"

namespace quantscope::benchmarks {

/// Seconds of `work`, median of so many runs; one before them is not counted. `idle` waits for what was queued.
template <class Idle, class Work>
Result<double> median_seconds(int runs, const Idle& idle, const Work& work) {
  std::vector<double> seconds;
  for (int run = 0; run <= runs; ++run) {
    if (Result<void> ready = idle(); !ready) return tl::unexpected(ready.error());
    const auto begin = Clock::now();
    if (Result<void> queued = work(); !queued) return tl::unexpected(queued.error());
    if (Result<void> done = idle(); !done) return tl::unexpected(done.error());
    if (run > 0) seconds.push_back(seconds_since(begin));
  }
  std::nth_element(seconds.begin(), seconds.begin() + runs / 2, seconds.end());
  return seconds[static_cast<std::size_t>(runs) / 2];
}

}  // namespace quantscope::benchmarks
