// SPDX-License-Identifier: GPL-3.0-or-later
#include "shared_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

#include "machine.h"
#include "symbols.h"

namespace cuda_on_host {
namespace {
constexpr std::size_t most_dynamic_bytes = std::size_t{256} << 10;
// As far from larger alignments as CUDA allows.
constexpr std::size_t dynamic_alignment = 16;

/// Zero bytes that cost nothing until they are touched.
template <class T>
T* reserve(std::size_t count) {
  void* const memory =
      mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<T*>(memory);
}

std::size_t offset_from(const void* address, const std::byte* begin) {
  return static_cast<std::size_t>(static_cast<const std::byte*>(address) - begin);
}

/// A thread among those, other than `thread` where there are several.
unsigned one_of(const Accessors& accessors, unsigned thread) {
  std::uint32_t lanes = accessors.lanes;
  if (accessors.warp == thread / lanes_per_warp) lanes &= ~(1U << thread % lanes_per_warp);
  const auto lane = static_cast<unsigned>(std::countr_zero(lanes == 0 ? accessors.lanes : lanes));
  return accessors.warp * lanes_per_warp + lane;
}

const char* verb(AccessKind kind) {
  if (kind == AccessKind::read) return "reads";
  return kind == AccessKind::write ? "writes" : "atomically changes";
}

bool report_race(const void* address, AccessKind kind, const Accessors& before, unsigned thread, const char* done) {
  return report("a race in shared memory: this thread {} {}, which {} {} without a barrier between", verb(kind),
                shared_place(address), thread_name(one_of(before, thread)), done);
}
}  // namespace

SharedMemory::SharedMemory()
    : dynamic_(reserve<std::byte>(most_dynamic_bytes) + dynamic_alignment),
      dynamic_cells_(reserve<Cell>(most_dynamic_bytes)),
      variables_(Symbols::of_program().variables_begin()),
      variable_bytes_(offset_from(Symbols::of_program().variables_end(), variables_)),
      variable_cells_(reserve<Cell>(variable_bytes_)),
      owners_(variable_bytes_, -1),
      clocks_{},
      known_{} {
  for (Clocks& clocks : clocks_) clocks.fill(1);
  std::int32_t number = 0;
  for (std::size_t i = 0; i < variable_bytes_; ++number) {
    const Symbol* const symbol = Symbols::of_program().at(variables_ + i);
    const std::size_t next = symbol == nullptr ? i + 1 : offset_from(symbol->address + symbol->bytes, variables_);
    if (symbol != nullptr) std::fill(owners_.begin() + i, owners_.begin() + std::min(next, variable_bytes_), number);
    i = next;
  }
}

void SharedMemory::begin_block(std::size_t dynamic_bytes, unsigned warps) {
  dynamic_bytes_ = dynamic_bytes;
  first_epoch_ = ++epoch_;
  // Clocks go on, so that what is known of earlier blocks may stay.
  static_cast<void>(warps);
}

void SharedMemory::synchronise_lanes(unsigned warp, unsigned lanes) {
  Clocks& clocks = clocks_[warp];
  auto& known = known_[warp];
  Clocks joined{};
  std::uint32_t latest = 0;
  for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    latest = std::max(latest, clocks[lane]);
    for (unsigned other = 0; other < lanes_per_warp; ++other)
      joined[other] = std::max(joined[other], known[lane][other]);
  }
  for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
    if ((lanes >> lane & 1) != 0) joined[lane] = latest;
  }
  for (unsigned lane = 0; lane < lanes_per_warp; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    known[lane] = joined;
    clocks[lane] = latest + 1;
  }
}

SharedMemory::Cell* SharedMemory::cell_at(const void* address) const {
  if (const std::size_t offset = offset_from(address, dynamic_); offset < most_dynamic_bytes)
    return dynamic_cells_ + offset;
  if (const std::size_t offset = offset_from(address, variables_); offset < variable_bytes_)
    return variable_cells_ + offset;
  return nullptr;
}

bool SharedMemory::in_bounds(const void* address, std::size_t bytes) const {
  if (const std::size_t offset = offset_from(address, dynamic_); offset < most_dynamic_bytes) {
    return offset + bytes <= dynamic_bytes_;
  }
  const std::size_t offset = offset_from(address, variables_);
  return offset + bytes <= variable_bytes_ && owners_[offset] >= 0 && owners_[offset] == owners_[offset + bytes - 1];
}

bool SharedMemory::ordered(const Accessors& before, unsigned thread) const {
  if (before.epoch != epoch_) return true;
  const unsigned warp = thread / lanes_per_warp;
  if (before.several_warps || before.warp != warp) return false;
  const Clocks& known = known_[warp][thread % lanes_per_warp];
  for (std::uint32_t others = before.lanes & ~(1U << thread % lanes_per_warp); others != 0; others &= others - 1) {
    if (known[static_cast<std::size_t>(std::countr_zero(others))] < before.clock) return false;
  }
  return true;
}

void SharedMemory::record(Accessors& accessors, unsigned thread, bool atomic) const {
  const auto warp = static_cast<std::uint8_t>(thread / lanes_per_warp);
  const std::uint32_t lane = 1U << thread % lanes_per_warp;
  const std::uint32_t clock = clocks_[warp][thread % lanes_per_warp];
  if (ordered(accessors, thread)) {
    accessors = {epoch_, lane, clock, warp, false, atomic, false};  // whoever comes after this came after those
  } else if (accessors.warp == warp) {
    accessors.lanes |= lane;
    accessors.clock = std::max(accessors.clock, clock);
  } else {
    accessors.several_warps = true;
  }
}

bool SharedMemory::check_byte(Cell& cell, const void* address, AccessKind kind, unsigned thread) {
  if (cell.writers.in_flight && cell.writers.epoch >= first_epoch_) {
    return report("this thread {} {}, where an asynchronous copy of {} has not been waited for", verb(kind),
                  shared_place(address), thread_name(one_of(cell.writers, thread)));
  }
  if (kind != AccessKind::write && cell.writers.epoch < first_epoch_) {
    return report("this thread {} {}, which this block has not written (not yet, if a barrier is missing)", verb(kind),
                  shared_place(address));
  }
  const bool both_atomic = kind == AccessKind::atomic && cell.writers.atomic;
  if (!both_atomic && !ordered(cell.writers, thread)) {
    return report_race(address, kind, cell.writers, thread, cell.writers.atomic ? "changed" : "wrote");
  }
  if (kind == AccessKind::read) {
    record(cell.readers, thread, false);
    return true;
  }
  if (!ordered(cell.readers, thread)) return report_race(address, kind, cell.readers, thread, "read");
  record(cell.writers, thread, kind == AccessKind::atomic);
  return true;
}

bool SharedMemory::check(const void* address, std::size_t bytes, AccessKind kind, unsigned thread) {
  if (!in_bounds(address, bytes)) {
    return report("this thread {} {} bytes at {}, outside of what the block has", verb(kind), bytes,
                  shared_place(address));
  }
  Cell* const cells = cell_at(address);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (!check_byte(cells[i], static_cast<const std::byte*>(address) + i, kind, thread)) return false;
  }
  return true;
}

bool SharedMemory::begin_copy(const void* address, std::size_t bytes, unsigned thread) {
  if (!check(address, bytes, AccessKind::write, thread)) return false;
  Cell* const cells = cell_at(address);
  for (std::size_t i = 0; i < bytes; ++i) cells[i].writers.in_flight = true;
  return true;
}

bool SharedMemory::end_copy(const void* address, std::size_t bytes, unsigned thread) {
  Cell* const cells = cell_at(address);
  for (std::size_t i = 0; i < bytes; ++i) cells[i].writers.in_flight = false;
  return check(address, bytes, AccessKind::write, thread);
}

SharedMemory& shared_memory() {
  static SharedMemory memory;
  return memory;
}

std::string shared_place(const void* address) {
  const std::size_t offset = offset_from(address, shared_memory().dynamic());
  if (offset < most_dynamic_bytes) return fmt::format("dynamic shared memory + {}", offset);
  const Symbol* const symbol = Symbols::of_program().at(address);
  if (symbol == nullptr) return fmt::format("{} between shared variables", address);
  return fmt::format("{} + {}", readable_name(address), offset_from(address, symbol->address));
}

}  // namespace cuda_on_host
