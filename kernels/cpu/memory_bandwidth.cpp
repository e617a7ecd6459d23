// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/memory_bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <span>

#include "kernels/cpu/thread_pool.h"
#include "kernels/memory_ledger.h"

namespace quantscope {
namespace {

constexpr int passes = 5;
constexpr std::int64_t smallest_buffer = std::int64_t{256} << 20;
constexpr std::int64_t largest_buffer = std::int64_t{1} << 30;

std::int64_t buffer_bytes() {
  const std::int64_t cache = std::max<std::int64_t>(0, sysconf(_SC_LEVEL3_CACHE_SIZE));
  return std::clamp(4 * cache, smallest_buffer, largest_buffer);
}

/// Sums side by side, so that additions do not wait for each other.
constexpr std::size_t lanes = 8;

/// Precondition: a multiple of `lanes` values.
std::uint64_t sum_of(std::span<const std::uint64_t> values) {
  std::uint64_t sums[lanes] = {};
  for (std::size_t i = 0; i < values.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += values[i + lane];
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  return total;
}

}  // namespace

Result<double> measure_read_bandwidth(int threads, const std::stop_token& stop) {
  MemoryLedger own;
  const std::int64_t bytes = buffer_bytes();
  auto buffer = TaggedBuffer::allocate(own, MemoryTag::workspace, static_cast<std::size_t>(bytes));
  if (!buffer) return tl::unexpected(buffer.error());
  const std::span<std::uint64_t> values = buffer->as<std::uint64_t>();
  const std::size_t part = values.size() / static_cast<std::size_t>(threads) / lanes * lanes;
  const auto part_of = [&](std::int64_t index) { return values.subspan(static_cast<std::size_t>(index) * part, part); };
  ThreadPool pool(threads);
  // Written first: pages that were never written all lie in one page of zeros.
  pool.parallel_for(threads, [&](std::int64_t index, int) { std::ranges::fill(part_of(index), 1); });
  std::atomic<std::uint64_t> total{0};
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    if (stop.stop_requested()) return cancelled();
    const auto started = std::chrono::steady_clock::now();
    pool.parallel_for(threads, [&](std::int64_t index, int) { total += sum_of(part_of(index)); });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
    const auto read = static_cast<double>(part * sizeof(std::uint64_t)) * threads;
    best = std::max(best, read / std::max(elapsed.count(), 1e-9));
  }
  if (total != std::uint64_t{passes} * part * static_cast<std::uint64_t>(threads))
    return fail(ErrorCode::internal, "The bandwidth measurement read other values than it wrote.");
  return best;
}

}  // namespace quantscope
