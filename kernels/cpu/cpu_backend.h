// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"

namespace quantscope {

struct CpuOptions {
  int threads = 0;            ///< 0 = all processors this process may run on
  std::string simd = "auto";  ///< auto, scalar, avx2, avx512, avx512bf16
};

/// The CPU as a device: plain threads, run-time dispatch. Fails when `simd` names a level this CPU lacks (the message
/// lists those it has) or `threads` is out of 1..1024. Results at one dispatch level do not depend on `threads` or on
/// how rows are batched.
Result<std::unique_ptr<Backend>> create_cpu_backend(const CpuOptions& options);

/// Description without starting threads.
DeviceDescription describe_cpu();

}  // namespace quantscope
