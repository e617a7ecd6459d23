// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>

namespace quantscope {

/// The clock of all durations: it is never set back.
using Clock = std::chrono::steady_clock;

/// Seconds from `start` until now.
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace quantscope
