// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/cpu_buffer.h"

#include <utility>

#include "kernels/memory_checks.h"

namespace quantscope {

Result<std::unique_ptr<CpuBuffer>> CpuBuffer::create(MemoryLedger& ledger, std::int64_t row_capacity,
                                                     std::int64_t columns) {
  const auto bytes = buffer_bytes(row_capacity, columns);
  if (!bytes) return tl::unexpected(bytes.error());
  auto memory = TaggedBuffer::allocate(ledger, MemoryTag::workspace, static_cast<std::size_t>(*bytes));
  if (!memory) return tl::unexpected(memory.error());
  auto buffer = std::make_unique<CpuBuffer>();
  buffer->row_capacity = row_capacity;
  buffer->columns = columns;
  buffer->memory_ = std::move(*memory);
  return buffer;
}

}  // namespace quantscope
