// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/cpu_buffer.h"

#include <string>
#include <utility>

namespace quantscope {

Result<std::unique_ptr<CpuBuffer>> CpuBuffer::create(MemoryLedger& ledger, std::int64_t row_capacity,
                                                     std::int64_t columns) {
  std::int64_t bytes = 0;
  if (row_capacity <= 0 || columns <= 0 || __builtin_mul_overflow(row_capacity, columns, &bytes) ||
      __builtin_mul_overflow(bytes, std::int64_t{4}, &bytes)) {
    return fail(ErrorCode::invalid_argument, "A buffer of " + std::to_string(row_capacity) + " rows of " +
                                                 std::to_string(columns) +
                                                 " values is impossible; choose positive sizes.");
  }
  auto memory = TaggedBuffer::allocate(ledger, MemoryTag::workspace, static_cast<std::size_t>(bytes));
  if (!memory) return tl::unexpected(memory.error());
  auto buffer = std::make_unique<CpuBuffer>();
  buffer->row_capacity = row_capacity;
  buffer->columns = columns;
  buffer->memory_ = std::move(*memory);
  return buffer;
}

}  // namespace quantscope
