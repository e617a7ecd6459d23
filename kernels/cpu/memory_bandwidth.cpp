// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/memory_bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/clock.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/memory_ledger.h"

namespace quantscope {
namespace {

constexpr int passes = 5;
constexpr std::int64_t smallest_total = std::int64_t{256} << 20;
constexpr std::int64_t largest_total = std::int64_t{1} << 30;
// Milliseconds of work, so that a stop is met soon.
constexpr std::int64_t block_bytes = std::int64_t{4} << 20;
constexpr std::int64_t block_values = block_bytes / static_cast<std::int64_t>(sizeof(std::uint64_t));

std::int64_t block_count() {
  const std::int64_t cache = std::max<std::int64_t>(0, sysconf(_SC_LEVEL3_CACHE_SIZE));
  return std::clamp(4 * cache, smallest_total, largest_total) / block_bytes;
}

/// Sums side by side, so that additions do not wait for each other.
std::uint64_t sum_of(std::span<const std::uint64_t> values) {
  constexpr std::size_t lanes = 8;
  static_assert(block_values % lanes == 0);
  std::uint64_t sums[lanes] = {};
  for (std::size_t i = 0; i < values.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += values[i + lane];
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  return total;
}

/// More memory than any cache holds, full of ones: pages that were never written all lie in one page of zeros.
class Blocks {
 public:
  /// Each is written first by the thread that happens to take it, which spreads them over the memory of all processors.
  Result<void> fill(ThreadPool& pool, const std::stop_token& stop) {
    blocks_.resize(static_cast<std::size_t>(block_count()));
    std::atomic<bool> short_of_memory = false;
    pool.parallel_for(std::ssize(blocks_), [&](std::int64_t index, int) {
      if (stop.stop_requested() || short_of_memory) return;
      auto block = TaggedBuffer::allocate(ledger_, MemoryTag::workspace, static_cast<std::size_t>(block_bytes));
      if (!block) {
        short_of_memory = true;
        return;
      }
      std::ranges::fill(block->as<std::uint64_t>(), 1);
      blocks_[static_cast<std::size_t>(index)] = std::move(*block);
    });
    if (stop.stop_requested()) return cancelled();
    if (!short_of_memory) return {};
    return fail_for_memory();
  }

  std::uint64_t sum(ThreadPool& pool, const std::stop_token& stop) const {
    std::atomic<std::uint64_t> total{0};
    pool.parallel_for(std::ssize(blocks_), [&](std::int64_t index, int) {
      if (!stop.stop_requested()) total += sum_of(blocks_[static_cast<std::size_t>(index)].as<std::uint64_t>());
    });
    return total;
  }

  std::int64_t values() const { return std::ssize(blocks_) * block_values; }

 private:
  Result<void> fail_for_memory() const {
    return fail(ErrorCode::out_of_memory, "Not enough memory to measure the memory's bandwidth (" +
                                              std::to_string(block_count() * block_bytes >> 20) +
                                              " MiB); close other programs.");
  }

  MemoryLedger ledger_;
  std::vector<TaggedBuffer> blocks_;
};

}  // namespace

Result<double> measure_read_bandwidth(int threads, const std::stop_token& stop) {
  ThreadPool pool(threads);
  Blocks blocks;
  if (auto filled = blocks.fill(pool, stop); !filled) return tl::unexpected(filled.error());
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    const auto started = Clock::now();
    const std::uint64_t total = blocks.sum(pool, stop);
    const double seconds = seconds_since(started);
    if (stop.stop_requested()) return cancelled();
    if (total != static_cast<std::uint64_t>(blocks.values()))
      return fail(ErrorCode::internal, "The bandwidth measurement read other values than it wrote.");
    const auto read = static_cast<double>(blocks.values()) * sizeof(std::uint64_t);
    best = std::max(best, read / std::max(seconds, 1e-9));
  }
  return best;
}

}  // namespace quantscope
