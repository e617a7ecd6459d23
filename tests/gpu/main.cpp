// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/gpu/opened_gpu.h"

/// Exit status 77 tells ctest that nothing was tested.
int main(int argc, char** argv) {
  constexpr int skipped = 77;
  ::testing::InitGoogleTest(&argc, argv);
  const std::string reason = quantscope::testing::gpu_unavailable();
  if (!reason.empty()) {
    std::printf("GPU TESTS SKIPPED: %s\n", reason.c_str());
    return skipped;
  }
  return RUN_ALL_TESTS();
}
