// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/thread_pool.h"

namespace quantscope {
namespace {
constexpr std::uint32_t open_bit = 1;
constexpr std::uint32_t one_inside = 2;
constexpr std::uint32_t inside_mask = 0xFFE;
constexpr std::uint32_t one_loop = 0x1000;
constexpr std::uint32_t loop_mask = ~(one_loop - 1);

// About 30 us: bridges the gaps between the operations of a token, yet soon gives the processor back.
constexpr int spins = 1000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}
}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { serve(worker); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  gate_.fetch_add(one_loop);
  gate_.notify_all();
}

std::uint32_t ThreadPool::wait_for_change(std::uint32_t seen) {
  for (int i = 0; i < spins; ++i) {
    const std::uint32_t now = gate_.load(std::memory_order_acquire);
    if (now != seen) return now;
    pause();
  }
  gate_.wait(seen, std::memory_order_acquire);
  return gate_.load(std::memory_order_acquire);
}

void ThreadPool::take_iterations(int worker) {
  while (true) {
    const std::int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count_) return;
    call_(context_, index, worker);
  }
}

void ThreadPool::run(std::int64_t count, Call call, void* context) {
  call_ = call;
  context_ = context;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  gate_.store(((gate_.load(std::memory_order_relaxed) & loop_mask) + one_loop) | open_bit, std::memory_order_release);
  gate_.notify_all();
  take_iterations(0);
  std::uint32_t gate = gate_.fetch_and(~open_bit, std::memory_order_acq_rel) & ~open_bit;
  while ((gate & inside_mask) != 0) gate = wait_for_change(gate);
}

void ThreadPool::serve(int worker) {
  std::uint32_t last_loop = 0;
  std::uint32_t gate = gate_.load(std::memory_order_acquire);
  while (!stopping_.load(std::memory_order_acquire)) {
    const bool joinable = (gate & open_bit) != 0 && (gate & loop_mask) != last_loop;
    if (!joinable) {
      gate = wait_for_change(gate);
      continue;
    }
    if (!gate_.compare_exchange_weak(gate, gate + one_inside, std::memory_order_acq_rel, std::memory_order_acquire)) {
      continue;
    }
    last_loop = gate & loop_mask;
    take_iterations(worker);
    gate = gate_.fetch_sub(one_inside, std::memory_order_acq_rel) - one_inside;
    if ((gate & (open_bit | inside_mask)) == 0) gate_.notify_all();
  }
}

}  // namespace quantscope
