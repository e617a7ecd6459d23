// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace quantscope {

/// Largest resident set of this process so far, bytes (VmHWM of /proc/self/status); 0 where the system does not say.
std::int64_t peak_resident_bytes();

}  // namespace quantscope
