// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/cpu_context.h"

#include <utility>

namespace quantscope {

Result<void> Scratch::grow(MemoryLedger& ledger, std::size_t bytes) {
  if (bytes <= memory_.size()) return {};
  memory_ = TaggedBuffer();
  auto memory = TaggedBuffer::allocate(ledger, MemoryTag::workspace, bytes);
  if (!memory) return tl::unexpected(memory.error());
  memory_ = std::move(*memory);
  return {};
}

CpuContext::CpuContext(int threads, const SimdKernels& kernels)
    : kernels_(&kernels), workers_(static_cast<std::size_t>(threads)), pool_(threads) {}

}  // namespace quantscope
