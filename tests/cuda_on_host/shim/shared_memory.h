// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "block.h"

namespace cuda_on_host {

enum class AccessKind : std::uint8_t { read, write, atomic };

/// The threads that did one kind of access to a byte since the barrier numbered `epoch`.
struct Accessors {
  std::uint32_t epoch = 0;
  std::uint32_t lanes = 0;  ///< of `warp`
  std::uint32_t clock = 0;  ///< the latest of their clocks
  std::uint8_t warp = 0;
  bool several_warps = false;
  bool atomic = false;
  bool in_flight = false;  ///< an asynchronous copy that nobody waited for
};

/// Shared memory of the block that runs: the dynamic part, and variables declared __shared__, which are static
/// variables of this program. Finds accesses of different threads to one byte, at least one a write, that no barrier
/// separates.
///
/// Two accesses are ordered when a barrier of the block lies between (they differ in epoch), or, within a warp, when a
/// chain of __syncwarp leads from one thread to the other. For that each lane has a clock, and knows up to which clock
/// it has synchronised with every other lane. Shuffles and votes order nothing.
class SharedMemory {
 public:
  SharedMemory();
  void begin_block(std::size_t dynamic_bytes, unsigned warps);
  void pass_barrier() { ++epoch_; }
  void synchronise_lanes(unsigned warp, unsigned lanes);

  std::byte* dynamic() const { return dynamic_; }
  bool covers(const void* address) const { return cell_at(address) != nullptr; }
  /// False, and machine().report says what is wrong, when `thread` must not do this. Precondition: covers(address).
  bool check(const void* address, std::size_t bytes, AccessKind kind, unsigned thread);
  /// The same for an asynchronous copy by `thread`, which nobody may touch until end_copy().
  bool begin_copy(const void* address, std::size_t bytes, unsigned thread);
  bool end_copy(const void* address, std::size_t bytes, unsigned thread);

 private:
  struct Cell {
    Accessors writers, readers;
  };
  Cell* cell_at(const void* address) const;
  bool in_bounds(const void* address, std::size_t bytes) const;
  bool check_byte(Cell& cell, const void* address, AccessKind kind, unsigned thread);
  bool ordered(const Accessors& before, unsigned thread) const;
  void record(Accessors& accessors, unsigned thread, bool atomic) const;

  std::byte* dynamic_;
  std::size_t dynamic_bytes_ = 0;
  Cell* dynamic_cells_;
  const std::byte* variables_;
  std::size_t variable_bytes_;
  Cell* variable_cells_;
  std::vector<std::int32_t> owners_;  // which variable a byte belongs to; -1 for none
  std::uint32_t epoch_ = 1;
  std::uint32_t first_epoch_ = 1;  // of the block
  using Clocks = std::array<std::uint32_t, lanes_per_warp>;
  std::array<Clocks, most_threads_per_block / lanes_per_warp> clocks_;
  std::array<std::array<Clocks, lanes_per_warp>, most_threads_per_block / lanes_per_warp> known_;
};

SharedMemory& shared_memory();

/// "tile + 20" or "dynamic shared memory + 20".
std::string shared_place(const void* address);

}  // namespace cuda_on_host
