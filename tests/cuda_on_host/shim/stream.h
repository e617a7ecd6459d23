// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <vector>

#include "runtime_types.h"

/// Queues, and graphs that record what is queued.
namespace cuda_on_host {

/// Work with its arguments in it. Failures are left in machine().pending.
using Work = std::function<void()>;

/// Does the work now, or keeps it when the stream records a graph.
cudaError_t queue(cudaStream_t stream, Work work);

/// Is a graph being recorded? Nothing may be allocated or waited for then.
bool recording();
/// Makes the recording end in an error, as a forbidden call does.
cudaError_t spoil_recording();

}  // namespace cuda_on_host
