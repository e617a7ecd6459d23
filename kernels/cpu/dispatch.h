// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu/simd_kernels.h"
#include "kernels/error.h"

namespace quantscope {

/// A set of instructions that kernels were compiled for.
struct DispatchLevel {
  std::string_view name;
  const SimdKernels* kernels = nullptr;
};

/// The levels that this CPU and operating system can run, slowest first; "scalar" is always there.
std::vector<DispatchLevel> dispatch_levels();

/// The level of this name, or the fastest for "auto". Fails with invalid_argument, listing the levels there are.
Result<DispatchLevel> choose_dispatch_level(std::string_view name);

/// Processors that this process may run on.
int available_processors();

/// The processor's own name, or its architecture.
std::string processor_name();

}  // namespace quantscope
