// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "vector_types.h"

/// The threads of a block, one fiber each, run one after the other until all have to wait.
namespace cuda_on_host {

inline constexpr unsigned lanes_per_warp = 32;
inline constexpr unsigned most_threads_per_block = 1024;

/// One kernel with its grid and a copy of its arguments.
struct Launch {
  dim3 grid;
  dim3 block;
  std::size_t dynamic_shared_bytes = 0;
  const void* kernel = nullptr;     ///< its address, which leads to its name
  void (*invoke)(void*) = nullptr;  ///< calls the kernel with the arguments in a copy of `call`
  std::vector<std::byte> call;
};

/// Runs every block. False when a detector stopped it; machine().report says why.
bool run(const Launch& launch);

struct BarrierResult {
  int count = 0;  ///< threads whose predicate is not 0
  bool all = false;
};
/// Waits for all threads of the block. `name` is what the kernel called.
BarrierResult block_barrier(const char* name, int predicate);

/// Does the work of a warp operation once all lanes in `mask` are there; operands[lane] is what that lane passed.
using WarpWork = void (*)(void* const* operands, unsigned mask);
/// Waits for the lanes in `mask`, then lets `work` fill in their operands.
void warp_operation(const char* name, unsigned mask, void* operand, WarpWork work);

/// Lane of the running thread in its warp.
unsigned this_lane();
/// Lanes of the running thread's warp that have not ended.
unsigned living_lanes();

/// Ends the launch of the running thread. machine().report must have been set.
[[noreturn]] void stop_launch();
/// The address of the kernel that runs; null outside kernels.
const void* running_kernel();

}  // namespace cuda_on_host
