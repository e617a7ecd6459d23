// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "device_functions.h"
#include "shared_memory.h"

/// What access hooks need to know about the thread of a kernel that this thread of the host runs.
namespace cuda_on_host {

#ifdef CUDA_ON_HOST_CHECKS_ACCESSES
inline constexpr bool checks_accesses = true;
#else
inline constexpr bool checks_accesses = false;  ///< of some accesses nothing would be known
#endif

struct Running {
  bool active = false;
  unsigned thread = 0;  ///< in its block, x fastest
  const std::byte* stack = nullptr;
  std::size_t stack_bytes = 0;
};
extern thread_local constinit Running running;

// Each checks what the running thread is about to do and ends the launch if it is wrong. Nothing happens outside
// kernels.
void check_access(const void* address, std::size_t bytes, AccessKind kind);
void check_aligned(const void* address, std::size_t alignment);
/// That the address is in shared memory.
void check_shared(const void* address, std::size_t bytes);

/// "byte 20 of a device buffer of 64 bytes".
std::string place_name(const void* address);

}  // namespace cuda_on_host
