// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include "tests/cuda_on_host/broken_kernels.h"

namespace quantscope::testing {
namespace {
using ::testing::HasSubstr;

class Reports : public ::testing::Test {
 protected:
  Reports() { cuda_on_host::machine() = {}; }
  void SetUp() override {
#ifndef CUDA_ON_HOST_CHECKS_ACCESSES
    GTEST_SKIP() << "accesses of kernels are not checked in a build with a sanitizer";
#endif
  }
  // What a test found on purpose is no failure of it.
  ~Reports() override { cuda_on_host::machine() = {}; }
};

class Detectors : public Reports, public ::testing::WithParamInterface<BrokenKernel> {};

TEST_P(Detectors, LetARightKernelPass) {
  EXPECT_EQ(GetParam().run(true), cudaSuccess);
  EXPECT_EQ(cuda_on_host::machine().report, "");
}

TEST_P(Detectors, CatchABrokenKernel) {
  const cudaError_t status = GetParam().run(false);
  EXPECT_NE(status, cudaSuccess);
  EXPECT_THAT(cudaGetErrorString(status), HasSubstr(GetParam().report));
}

TEST_P(Detectors, LeaveTheMachineUsable) {
  EXPECT_NE(GetParam().run(false), cudaSuccess);
  cudaGetLastError();
  EXPECT_EQ(GetParam().run(true), cudaSuccess);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Detectors, ::testing::ValuesIn(broken_kernels().begin(), broken_kernels().end()),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

TEST_F(Reports, NameKernelBlockThreadAndPlace) {
  const BrokenKernel& race = broken_kernels().front();
  const std::string text = cudaGetErrorString(race.run(false));
  EXPECT_THAT(text, HasSubstr("reads_a_neighbour"));
  EXPECT_THAT(text, HasSubstr("block (0,0,0), thread (1,0,0)"));
  EXPECT_THAT(text, HasSubstr("tile + "));
}

}  // namespace
}  // namespace quantscope::testing
