// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/cpu_context.h"

namespace quantscope {

Result<void> CpuContext::reserve(WorkerScratch which, std::int64_t bytes) {
  for (int worker = 0; worker < threads(); ++worker) {
    auto memory = scratch_.of_worker(worker, which).reserve<std::byte>(ledger_, bytes);
    if (!memory) return tl::unexpected(memory.error());
  }
  return {};
}

CpuContext::CpuContext(int threads, const SimdKernels& kernels)
    : kernels_(&kernels), scratch_(threads), pool_(threads) {}

}  // namespace quantscope
