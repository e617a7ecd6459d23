// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/management_library.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace quantscope::cuda {
namespace {

TEST(ManagementLibrary, TellsClockBandwidthAndMemory) {
  const ManagementLibrary library(TWO_GPUS_LIBRARY);
  const GpuFacts facts = library.facts("0000:01:00.0");
  EXPECT_EQ(facts.clock, 1980);
  EXPECT_EQ(facts.memory_bandwidth, std::int64_t{4'916'736'000'000});  // 2 x 3201 MHz x 768 bytes
  EXPECT_EQ(library.memory_used("0000:01:00.0"), std::int64_t{5} << 30);
}

TEST(ManagementLibrary, SaysNothingOfWhatItDoesNotKnow) {
  const ManagementLibrary library(TWO_GPUS_LIBRARY);
  EXPECT_EQ(library.facts("0000:02:00.0").clock, 0);
  EXPECT_EQ(library.facts("0000:02:00.0").memory_bandwidth, 0);
  EXPECT_EQ(library.memory_used("0000:02:00.0"), std::int64_t{1} << 30);
  EXPECT_EQ(library.memory_used("0000:03:00.0"), 0);
}

TEST(ManagementLibrary, IsNotNeeded) {
  for (const char* file : {"libno-such-library.so.1", NO_ENTRY_PLUGIN}) {
    const ManagementLibrary library(file);
    EXPECT_EQ(library.facts("0000:01:00.0").clock, 0) << file;
    EXPECT_EQ(library.memory_used("0000:01:00.0"), 0) << file;
  }
}

TEST(ManagementLibrary, IsShutDownWithItsLastUser) {
  void* const file = dlopen(TWO_GPUS_LIBRARY, RTLD_NOW);
  ASSERT_NE(file, nullptr);
  const auto users = reinterpret_cast<int (*)()>(dlsym(file, "users_of_nvml"));
  {
    const ManagementLibrary first(TWO_GPUS_LIBRARY), second(TWO_GPUS_LIBRARY);
    EXPECT_EQ(users(), 2);
  }
  EXPECT_EQ(users(), 0);
  dlclose(file);
}

}  // namespace
}  // namespace quantscope::cuda
