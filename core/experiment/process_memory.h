// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace quantscope {

/// Largest resident set of this process since the last reset, bytes (VmHWM of /proc/self/status); 0 where the system
/// does not say.
std::int64_t peak_resident_bytes();

/// Starts a new measurement (/proc/self/clear_refs; man 5 proc). Where the system refuses, the old peak stays.
void reset_peak_resident();

}  // namespace quantscope
