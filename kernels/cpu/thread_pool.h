// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace quantscope {

/// A fixed number of threads that share the iterations of one loop at a time; the calling thread is one of them.
/// Iterations are handed out one by one and only threads that have joined a loop are waited for, so a thread that the
/// operating system does not run delays nobody. One loop at a time, from one calling thread at a time; not nested.
class ThreadPool {
 public:
  /// `threads` >= 1 counts the calling thread, so 1 starts none.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(index, worker) for every index in [0, count), each once, in no particular order; `worker` in
  /// [0, threads()) is never used by two calls at the same time. Returns when all are done. `body` must not throw.
  template <class Body>
  void parallel_for(std::int64_t count, Body&& body) {
    using Function = std::remove_reference_t<Body>;
    if (workers_.empty() || count <= 1) {
      for (std::int64_t i = 0; i < count; ++i) body(i, 0);
      return;
    }
    run(
        count, [](void* context, std::int64_t index, int worker) { (*static_cast<Function*>(context))(index, worker); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Call = void (*)(void* context, std::int64_t index, int worker);

  void run(std::int64_t count, Call call, void* context);
  void take_iterations(int worker);
  void serve(int worker);
  /// Spins a little, then sleeps, until the gate differs from `seen`.
  std::uint32_t wait_for_change(std::uint32_t seen);

  Call call_ = nullptr;
  void* context_ = nullptr;
  std::int64_t count_ = 0;
  alignas(64) std::atomic<std::int64_t> next_{0};
  // Bit 0: a loop is open; bits 1..11: workers inside it; above: its number.
  alignas(64) std::atomic<std::uint32_t> gate_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> workers_;  // last: joined before the members that they use go away
};

}  // namespace quantscope
