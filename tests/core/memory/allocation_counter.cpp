// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/core/memory/allocation_counter.h"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

// glibc's own allocator under the names that replaced functions may call.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(std::size_t bytes);
void __libc_free(void* memory);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace quantscope::testing {
namespace {

/// Bytes held now and at most.
class Counter {
 public:
  void add(std::int64_t bytes) {
    const std::int64_t now = held_.fetch_add(bytes) + bytes;
    std::int64_t seen = peak_.load();
    while (seen < now && !peak_.compare_exchange_weak(seen, now)) {
    }
  }
  std::int64_t held() const { return held_; }
  std::int64_t peak() const { return peak_; }
  void reset_peak() { peak_.store(held_.load()); }

 private:
  std::atomic<std::int64_t> held_ = 0, peak_ = 0;
};

/// The blocks of posix_memalign with the sizes that were asked for, in a table that allocates nothing.
class AlignedBlocks {
 public:
  bool add(const void* block, std::size_t bytes) {
    for (Entry& entry : entries_) {
      const void* expected = nullptr;
      if (!entry.block.compare_exchange_strong(expected, block)) continue;
      entry.bytes.store(bytes);
      return true;
    }
    return false;
  }
  /// The size of a block that was added, which is forgotten; 0 for others.
  std::size_t take(const void* block) {
    for (Entry& entry : entries_) {
      if (entry.block.load() != block) continue;
      const std::size_t bytes = entry.bytes.exchange(0);
      entry.block.store(nullptr);
      return bytes;
    }
    return 0;
  }

 private:
  struct Entry {
    std::atomic<const void*> block = nullptr;
    std::atomic<std::size_t> bytes = 0;
  };
  Entry entries_[4096];
};

constinit Counter aligned, other;
constinit AlignedBlocks aligned_blocks;

void* counted(void* block) {
  if (block != nullptr) other.add(static_cast<std::int64_t>(malloc_usable_size(block)));
  return block;
}

void forget(void* block) {
  if (block == nullptr) return;
  // Blocks of TaggedBuffer lie on cache lines, few others do.
  const std::size_t bytes = reinterpret_cast<std::uintptr_t>(block) % 64 == 0 ? aligned_blocks.take(block) : 0;
  if (bytes != 0)
    aligned.add(-static_cast<std::int64_t>(bytes));
  else
    other.add(-static_cast<std::int64_t>(malloc_usable_size(block)));
}

}  // namespace

HeldMemory held_memory() { return {aligned.held(), other.held()}; }

HeldMemory peak_memory() { return {aligned.peak(), other.peak()}; }

void reset_peak_memory() {
  aligned.reset_peak();
  other.reset_peak();
}

}  // namespace quantscope::testing

using quantscope::testing::counted;
using quantscope::testing::forget;

extern "C" {

void* malloc(std::size_t bytes) { return counted(__libc_malloc(bytes)); }

void* calloc(std::size_t count, std::size_t bytes) {
  if (bytes != 0 && count > PTRDIFF_MAX / bytes) return nullptr;
  void* const block = counted(__libc_malloc(count * bytes));
  return block == nullptr ? nullptr : std::memset(block, 0, count * bytes);
}

void* realloc(void* block, std::size_t bytes) {
  forget(block);
  return counted(__libc_realloc(block, bytes));
}

void* memalign(std::size_t alignment, std::size_t bytes) { return counted(__libc_memalign(alignment, bytes)); }

void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  *block = __libc_memalign(alignment, bytes);
  if (*block == nullptr) return ENOMEM;
  if (bytes == 0 || !quantscope::testing::aligned_blocks.add(*block, bytes))
    counted(*block);
  else
    quantscope::testing::aligned.add(static_cast<std::int64_t>(bytes));
  return 0;
}

void free(void* block) {
  forget(block);
  __libc_free(block);
}
}
