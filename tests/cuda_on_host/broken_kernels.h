// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <ostream>
#include <span>

namespace quantscope::testing {

/// A kernel that breaks a rule of the device when it is told to, and is right otherwise.
struct BrokenKernel {
  const char* name;
  /// Runs it on buffers of its own; the error of the launch.
  cudaError_t (*run)(bool right);
  const char* report;  ///< a part of what the detector must say
};

/// At least one per detector of tests/cuda_on_host/shim.
std::span<const BrokenKernel> broken_kernels();

inline void PrintTo(const BrokenKernel& kernel, std::ostream* stream) { *stream << kernel.name; }

}  // namespace quantscope::testing
