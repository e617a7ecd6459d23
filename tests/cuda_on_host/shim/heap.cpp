// SPDX-License-Identifier: GPL-3.0-or-later
#include "heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace cuda_on_host {
namespace {
constexpr std::size_t reserved_bytes = std::size_t{256} << 30;
constexpr std::size_t page = 4096;
constexpr std::size_t alignment = 256;
constexpr std::size_t gap = std::size_t{64} << 10;  // between allocations, so that small overruns meet no other one

void* reserve(int protection) {
  void* const memory = mmap(nullptr, reserved_bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

std::size_t whole_pages(std::size_t bytes) { return (bytes + page - 1) / page * page; }
}  // namespace

Heap::Heap()
    : begin_(static_cast<std::byte*>(reserve(PROT_NONE))),
      states_(static_cast<ByteState*>(reserve(PROT_READ | PROT_WRITE))) {}

Heap::~Heap() {
  munmap(begin_, reserved_bytes);
  munmap(states_, reserved_bytes);
}

void* Heap::allocate(std::size_t bytes) {
  const std::size_t first = used_ + alignment;
  const std::size_t end = used_ + whole_pages(alignment + bytes) + gap;
  if (end > reserved_bytes) throw std::bad_alloc();
  used_ = end;
  std::fill_n(states_ + first, bytes, ByteState::unwritten);
  blocks_[begin_ + first] = bytes;
  if (openings_ > 0) mprotect(begin_, used_, PROT_READ | PROT_WRITE);
  return begin_ + first;
}

std::size_t Heap::release(void* memory) {
  const auto found = blocks_.find(static_cast<std::byte*>(memory));
  if (found == blocks_.end()) return 0;
  const std::size_t bytes = found->second;
  const std::size_t first = offset_of(memory) - alignment;
  madvise(begin_ + first, whole_pages(alignment + bytes), MADV_DONTNEED);
  madvise(states_ + first, whole_pages(alignment + bytes), MADV_DONTNEED);  // reads as absent
  blocks_.erase(found);
  return bytes;
}

bool Heap::has(const void* address, std::size_t bytes, ByteState least) const {
  const ByteState* const states = states_ + offset_of(address);
  return std::all_of(states, states + bytes, [least](ByteState state) { return state >= least; });
}

void Heap::mark_written(const void* address, std::size_t bytes) {
  std::fill_n(states_ + offset_of(address), bytes, ByteState::written);
}

Heap::Block Heap::nearest(const void* address) const {
  const auto after = blocks_.upper_bound(static_cast<const std::byte*>(address));
  if (after == blocks_.begin()) return {};
  return {std::prev(after)->first, std::prev(after)->second};
}

void Heap::open() {
  if (openings_++ == 0 && used_ > 0) mprotect(begin_, used_, PROT_READ | PROT_WRITE);
}

void Heap::close() {
  if (--openings_ == 0 && used_ > 0) mprotect(begin_, used_, PROT_NONE);
}

Heap& device_heap() {
  static Heap heap;
  return heap;
}

Heap& pinned_heap() {
  static Heap& heap = *[] {
    static Heap opened;
    opened.open();
    return &opened;
  }();
  return heap;
}

}  // namespace cuda_on_host
