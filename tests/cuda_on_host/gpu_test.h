// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <memory>

#ifdef QUANTSCOPE_ON_DEVICE
#include "tests/gpu/opened_gpu.h"
#else
#include "kernels/cuda/cuda_backend.h"
#endif
#include "tests/kernels/cpu_device.h"

/// What tests of the CUDA device share. They are compiled twice: for the host, where the kernels run without a GPU, and
/// in tests/gpu for the plug-in on a real one. The helpers of the CPU tests work with any backend.
namespace quantscope::testing {

#ifdef QUANTSCOPE_ON_DEVICE
class GpuTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Backend> create_gpu() { return open_gpu(); }
};
#else
/// Gives every test a machine with one GPU and expects that all its memory is free in the end.
class GpuTest : public ::testing::Test {
 protected:
  GpuTest() { cuda_on_host::machine() = {}; }
  ~GpuTest() override { EXPECT_EQ(cuda_on_host::machine().allocated, 0U); }

  static std::unique_ptr<Backend> create_gpu() {
    auto backend = cuda::CudaBackend::create(0);
    EXPECT_TRUE(backend.has_value());
    return std::move(*backend);
  }
};
#endif

}  // namespace quantscope::testing
