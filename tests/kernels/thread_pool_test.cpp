// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace quantscope {
namespace {

TEST(ThreadPool, CallsEveryIndexOnceForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 5, 17}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const std::int64_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      pool.parallel_for(count, [&](std::int64_t index, int) { ++calls[static_cast<std::size_t>(index)]; });
      for (const auto& call : calls) EXPECT_EQ(call.load(), 1);
    }
  }
}

TEST(ThreadPool, NeverLendsAWorkerNumberTwiceAtTheSameTime) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> clash = false;
  pool.parallel_for(2000, [&](std::int64_t, int worker) {
    auto& mine = busy[static_cast<std::size_t>(worker)];
    if (mine.fetch_add(1) != 0) clash = true;
    mine.fetch_sub(1);
  });
  EXPECT_FALSE(clash);
}

TEST(ThreadPool, WritesOfOneLoopAreSeenByTheNext) {
  ThreadPool pool(3);
  std::vector<int> values(64, 0);
  for (int round = 1; round <= 3000; ++round) {
    pool.parallel_for(64, [&](std::int64_t index, int) {
      int& value = values[static_cast<std::size_t>(index)];
      value = value == round - 1 ? round : -1;
    });
  }
  EXPECT_EQ(values, std::vector<int>(64, 3000));
}

TEST(ThreadPool, WakesWorkersThatHaveGoneToSleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> calls = 0;
    pool.parallel_for(10, [&](std::int64_t, int) { ++calls; });
    EXPECT_EQ(calls.load(), 10);
  }
}

}  // namespace
}  // namespace quantscope
