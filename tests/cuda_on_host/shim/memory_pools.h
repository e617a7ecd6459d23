// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

namespace cuda_on_host {

/// Leaves the bytes of a freed allocation with the pool that it came from; false when it came from none.
bool keep_in_pool(const void* memory, std::size_t bytes);

}  // namespace cuda_on_host
