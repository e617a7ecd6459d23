// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace quantscope::testing {

/// What this process holds, counted by replacing malloc and its relatives for the whole program: a measurement that
/// knows nothing of the memory ledger. Needs glibc.
struct HeldMemory {
  std::int64_t aligned = 0;  ///< bytes asked for with posix_memalign, which of this program only TaggedBuffer calls
  std::int64_t other = 0;    ///< bytes of all other blocks, as large as malloc made them
};

HeldMemory held_memory();
/// The most of each since the last call of reset_peak_memory().
HeldMemory peak_memory();
void reset_peak_memory();

}  // namespace quantscope::testing
