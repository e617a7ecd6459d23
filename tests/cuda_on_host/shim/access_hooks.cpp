// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdint>

#include "heap.h"
#include "machine.h"
#include "running.h"
#include "symbols.h"

/// Kernels are compiled with -fsanitize=thread,alignment,bounds but linked without these sanitizers' libraries: g++
/// then puts a call before each load and store, and where a pointer is misaligned or an index outside its array, and
/// the functions called are those below. So every access of a kernel is checked without a change to the kernels' text,
/// which checked pointer types would need. Not instrumented, and so not checked: local variables that the compiler
/// keeps in registers, and what library functions (memcpy of a size that is not constant) do.

namespace cuda_on_host {
namespace {
const char* verb(AccessKind kind) {
  if (kind == AccessKind::read) return "reads";
  return kind == AccessKind::write ? "writes" : "atomically changes";
}

[[gnu::cold]] bool report_heap(const Heap& heap, const char* name, const void* address, std::size_t bytes,
                               AccessKind kind) {
  const Heap::Block block = heap.nearest(address);
  if (block.begin == nullptr)
    return report("this thread {} {} bytes of {} that is not allocated", verb(kind), bytes, name);
  const auto offset = static_cast<const std::byte*>(address) - block.begin;
  if (static_cast<std::size_t>(offset) + bytes <= block.bytes) {
    return report("this thread reads {} bytes at {} in {} of {} bytes that nobody has written", bytes, offset, name,
                  block.bytes);
  }
  return report("this thread {} {} bytes at {} from the begin of {} of {} bytes", verb(kind), bytes, offset, name,
                block.bytes);
}

bool check_heap(Heap& heap, const char* name, const void* address, std::size_t bytes, AccessKind kind) {
  const bool writes = kind == AccessKind::write;
  if (!heap.has(address, bytes, writes ? ByteState::unwritten : ByteState::written)) {
    return report_heap(heap, name, address, bytes, kind);
  }
  if (writes) heap.mark_written(address, bytes);
  return true;
}

[[gnu::cold]] bool check_elsewhere(const void* address, std::size_t bytes, AccessKind kind) {
  const auto* const byte = static_cast<const std::byte*>(address);
  const Symbols& symbols = Symbols::of_program();
  const bool constant = byte >= symbols.constants_begin() && byte < symbols.variables_begin();
  if (constant && kind == AccessKind::read) return true;
  return report("this thread {} {} bytes at {}, which is memory of the host or of another thread", verb(kind), bytes,
                address);
}

bool is_register(const void* address) {
  const auto in = [address](const auto& variable) {
    const auto offset = static_cast<const std::byte*>(address) - reinterpret_cast<const std::byte*>(&variable);
    return static_cast<std::size_t>(offset) < sizeof variable;
  };
  return in(threadIdx) || in(blockIdx) || in(blockDim) || in(gridDim);
}

bool is_good(const void* address, std::size_t bytes, AccessKind kind) {
  if (device_heap().covers(address)) return check_heap(device_heap(), "a device buffer", address, bytes, kind);
  if (is_register(address)) return kind == AccessKind::read || report("this thread writes to threadIdx or a neighbour");
  if (shared_memory().covers(address)) return shared_memory().check(address, bytes, kind, running.thread);
  if (pinned_heap().covers(address)) return check_heap(pinned_heap(), "a pinned buffer", address, bytes, kind);
  return check_elsewhere(address, bytes, kind);
}
}  // namespace

void check_access(const void* address, std::size_t bytes, AccessKind kind) {
  if (!checks_accesses || !running.active) return;
  if (static_cast<std::size_t>(static_cast<const std::byte*>(address) - running.stack) < running.stack_bytes) return;
  if (!is_good(address, bytes, kind)) stop_launch();
}

void check_aligned(const void* address, std::size_t alignment) {
  if (!running.active || reinterpret_cast<std::uintptr_t>(address) % alignment == 0) return;
  report("this thread uses {}, which is not aligned to {} bytes", place_name(address), alignment);
  stop_launch();
}

void check_shared(const void* address, std::size_t) {
  if (!running.active || shared_memory().covers(address)) return;
  report("this thread passes {} where shared memory is needed", place_name(address));
  stop_launch();
}

std::string place_name(const void* address) {
  for (const auto& [heap, name] : {std::pair<Heap&, const char*>{device_heap(), "a device buffer"},
                                   std::pair<Heap&, const char*>{pinned_heap(), "a pinned buffer"}}) {
    if (!heap.covers(address)) continue;
    const Heap::Block block = heap.nearest(address);
    return fmt::format("byte {} of {} of {} bytes", static_cast<const std::byte*>(address) - block.begin, name,
                       block.bytes);
  }
  return shared_memory().covers(address) ? shared_place(address) : fmt::format("{}", address);
}
}  // namespace cuda_on_host

#ifdef CUDA_ON_HOST_CHECKS_ACCESSES
using cuda_on_host::AccessKind;
using cuda_on_host::check_access;

#define CUDA_ON_HOST_HOOKS(bytes)                                                                       \
  extern "C" void __tsan_read##bytes(void* address) { check_access(address, bytes, AccessKind::read); } \
  extern "C" void __tsan_write##bytes(void* address) { check_access(address, bytes, AccessKind::write); }
CUDA_ON_HOST_HOOKS(1)
CUDA_ON_HOST_HOOKS(2)
CUDA_ON_HOST_HOOKS(4)
CUDA_ON_HOST_HOOKS(8)
CUDA_ON_HOST_HOOKS(16)
#undef CUDA_ON_HOST_HOOKS
extern "C" void __tsan_read_range(void* address, std::size_t bytes) { check_access(address, bytes, AccessKind::read); }
extern "C" void __tsan_write_range(void* address, std::size_t bytes) {
  check_access(address, bytes, AccessKind::write);
}
extern "C" void __tsan_vptr_update(void**, void*) {}
extern "C" void __tsan_init() {}

/// Laid out as g++ emits them.
struct SourceLocation {
  const char* file;
  std::uint32_t line;
  std::uint32_t column;
};
struct TypeMismatch {
  SourceLocation location;
  const void* type;
  unsigned char log_alignment;
  unsigned char kind;
};
struct OutOfBounds {
  SourceLocation location;
};

extern "C" void __ubsan_handle_type_mismatch_v1(const TypeMismatch* found, const void* address) {
  if (!cuda_on_host::running.active) return;
  cuda_on_host::report("{}:{}: this thread uses {}, which is not aligned to {} bytes", found->location.file,
                       found->location.line, cuda_on_host::place_name(address), 1U << found->log_alignment);
  cuda_on_host::stop_launch();
}

extern "C" void __ubsan_handle_out_of_bounds(const OutOfBounds* found, std::uintptr_t index) {
  if (!cuda_on_host::running.active) return;
  cuda_on_host::report("{}:{}: this thread uses element {} of an array that has fewer", found->location.file,
                       found->location.line, static_cast<std::intptr_t>(index));
  cuda_on_host::stop_launch();
}
#endif
