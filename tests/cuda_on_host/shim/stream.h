// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <vector>

#include "runtime_types.h"

/// Queues, and graphs that record what is queued. Work is done as late as CUDA allows, when somebody waits for it, so
/// that host memory which changes too early, or results that are read too early, show as wrong results.
namespace cuda_on_host {

/// Work with its arguments in it. Failures are left in machine().pending.
using Work = std::function<void()>;

/// Keeps the work until somebody waits for it, or in the graph that the stream records. The default stream (null) waits
/// for all others and does the work at once.
cudaError_t queue(cudaStream_t stream, Work work);
/// Does all work of all streams, as calls do that wait for the device.
void finish_all();

/// Is a graph being recorded? Nothing may be allocated or waited for then.
bool recording();
/// Makes the recording end in an error, as a forbidden call does.
cudaError_t spoil_recording();

}  // namespace cuda_on_host
