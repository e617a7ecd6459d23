// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace cuda_on_host {

enum class ByteState : std::uint8_t { absent, unwritten, written };

/// Memory in one reserved stretch of addresses, with the state of every byte. Addresses are never given out twice, so
/// that the use of freed memory is found too.
class Heap {
 public:
  Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap();

  /// Aligned to 256 bytes, as CUDA promises, and not to more.
  void* allocate(std::size_t bytes);
  /// The size it had; 0 when there is no such allocation.
  std::size_t release(void* memory);

  bool covers(const void* address) const { return offset_of(address) < used_; }
  /// Is every byte in this state or a later one? Precondition: covers(address).
  bool has(const void* address, std::size_t bytes, ByteState least) const;
  void mark_written(const void* address, std::size_t bytes);

  /// The allocation that begins at or before the address; null when there is none.
  struct Block {
    const std::byte* begin;
    std::size_t bytes;
  };
  Block nearest(const void* address) const;

  /// Lets code on the host touch the memory while at least one call of open() has no close().
  void open();
  void close();

 private:
  std::size_t offset_of(const void* address) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(address) - begin_);
  }

  std::byte* begin_;
  ByteState* states_;
  std::size_t used_ = 0;
  int openings_ = 0;
  std::map<const std::byte*, std::size_t> blocks_;
};

/// While it lives, the heap is open.
class OpenHeap {
 public:
  explicit OpenHeap(Heap& heap) : heap_(heap) { heap_.open(); }
  OpenHeap(const OpenHeap&) = delete;
  OpenHeap& operator=(const OpenHeap&) = delete;
  ~OpenHeap() { heap_.close(); }

 private:
  Heap& heap_;
};

/// Memory of the GPU: only kernels and copies can touch it; any other access is a segmentation fault.
Heap& device_heap();
/// Host memory that the GPU can reach (cudaMallocHost), open at all times.
Heap& pinned_heap();

}  // namespace cuda_on_host
