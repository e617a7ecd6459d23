// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "kernels/cuda/cuda_backend.h"
#include "tests/kernels/cpu_device.h"

/// What tests of the CUDA device on the host share. The helpers of the CPU tests work with any backend.
namespace quantscope::testing {

/// Gives every test a machine with one GPU and expects that all its memory is free in the end.
class HostGpu : public ::testing::Test {
 protected:
  HostGpu() { cuda_on_host::machine() = {}; }
  ~HostGpu() override { EXPECT_EQ(cuda_on_host::machine().allocated, 0U); }

  static std::unique_ptr<Backend> create_gpu() {
    auto backend = cuda::CudaBackend::create(0);
    EXPECT_TRUE(backend.has_value());
    return std::move(*backend);
  }
};

}  // namespace quantscope::testing
