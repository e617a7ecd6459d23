// SPDX-License-Identifier: GPL-3.0-or-later
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gmock/gmock.h>

#include <numeric>
#include <random>

#include "kernels/formats/half.h"
#include "tests/cuda_on_host/device_array.h"
#include "tests/cuda_on_host/shim_kernels.h"

/// The shim itself: what it lets kernels do is what CUDA's manuals promise.
namespace quantscope::testing {
namespace {
using ::testing::HasSubstr;

class Shim : public ::testing::Test {
 protected:
  Shim() { cuda_on_host::machine() = {}; }
  ~Shim() override { EXPECT_EQ(cuda_on_host::machine().allocated, 0U); }

  /// Small integers, so that every sum is exact in any order.
  std::vector<int> integers(std::size_t count) {
    std::vector<int> values(count);
    for (int& value : values) value = std::uniform_int_distribution(-8, 8)(random_);
    return values;
  }

  std::mt19937 random_{7};
};

/// a[rows, depth] row by row times b[depth, columns] column by column, plus d.
std::vector<int> product_of(const std::vector<int>& a, const std::vector<int>& b, std::vector<int> d, std::size_t depth,
                            std::size_t columns) {
  for (std::size_t i = 0; i < d.size(); ++i) {
    for (std::size_t k = 0; k < depth; ++k) d[i] += a[i / columns * depth + k] * b[i % columns * depth + k];
  }
  return d;
}

template <class T, class Convert>
std::vector<T> converted(const std::vector<int>& values, Convert convert) {
  std::vector<T> result;
  for (const int value : values) result.push_back(convert(value));
  return result;
}

std::uint16_t bf16_of(int value) { return fp32_to_bf16(static_cast<float>(value)); }
std::uint16_t fp16_of(int value) { return fp32_to_fp16(static_cast<float>(value)); }

TEST_F(Shim, MultipliesMatricesOf16BitValues) {
  for (const MatrixProduct kind : {MatrixProduct::bf16, MatrixProduct::fp16}) {
    const auto a = integers(16 * 16), b = integers(16 * 8), d = integers(16 * 8);
    const auto encode = kind == MatrixProduct::bf16 ? bf16_of : fp16_of;
    const DeviceArray<std::uint16_t> device_a(converted<std::uint16_t>(a, encode));
    const DeviceArray<std::uint16_t> device_b(converted<std::uint16_t>(b, encode));
    const DeviceArray<float> sums(converted<float>(d, [](int value) { return static_cast<float>(value); }));
    ASSERT_EQ(multiply_matrices(kind, device_a.data(), device_b.data(), sums.data()), cudaSuccess);
    const auto expected = product_of(a, b, d, 16, 8);
    EXPECT_EQ(sums.values(), std::vector<float>(expected.begin(), expected.end()));
  }
}

TEST_F(Shim, MultipliesMatricesOfBytes) {
  const auto a = integers(16 * 32), b = integers(32 * 8), d = integers(16 * 8);
  const auto encode = [](int value) { return static_cast<std::int8_t>(value); };
  const DeviceArray<std::int8_t> device_a(converted<std::int8_t>(a, encode));
  const DeviceArray<std::int8_t> device_b(converted<std::int8_t>(b, encode));
  const DeviceArray<std::int32_t> sums(d);
  ASSERT_EQ(multiply_matrices(MatrixProduct::int8, device_a.data(), device_b.data(), sums.data()), cudaSuccess);
  EXPECT_EQ(sums.values(), product_of(a, b, d, 32, 8));
}

TEST_F(Shim, LoadsMatricesPlainAndTransposed) {
  std::vector<std::uint16_t> rows(4 * 64);
  std::iota(rows.begin(), rows.end(), std::uint16_t{0});
  const DeviceArray<std::uint16_t> from(rows), plain(rows), transposed(rows);
  ASSERT_EQ(transpose(from.data(), plain.data(), transposed.data()), cudaSuccess);
  EXPECT_EQ(plain.values(), rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(transposed.values()[i / 64 * 64 + i % 8 * 8 + i / 8 % 8], rows[i]);
  }
}

TEST_F(Shim, ShufflesWithinGroupsOfLanes) {
  for (const int width : {1, 2, 8, 32}) {
    std::vector<float> values(32);
    std::iota(values.begin(), values.end(), 0.0F);
    const DeviceArray<float> device(values);
    ASSERT_EQ(sum_over_lanes(device.data(), width), cudaSuccess);
    for (int lane = 0; lane < 32; ++lane) {
      const int first = lane / width * width;
      EXPECT_EQ(device.values()[static_cast<std::size_t>(lane)],
                static_cast<float>(width * first + width * (width - 1) / 2));
    }
  }
}

TEST_F(Shim, SumsThroughWarpsAndSharedMemory) {
  const std::vector<float> ones(5 * 256, 1.0F);
  const DeviceArray<float> inputs(ones), sums(std::vector<float>(5, 0.0F));
  ASSERT_EQ(sum_over_blocks(inputs.data(), 5, sums.data()), cudaSuccess);
  EXPECT_EQ(sums.values(), std::vector<float>(5, 256.0F));
}

TEST_F(Shim, CountsByAtomics) {
  std::vector<std::uint8_t> bytes(10'000);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
  std::vector<unsigned> expected(256);
  for (const auto byte : bytes) ++expected[byte];
  const DeviceArray<std::uint8_t> device(bytes);
  const DeviceArray<unsigned> histogram(std::vector<unsigned>(256, 0));
  ASSERT_EQ(count_bytes(device.data(), static_cast<std::int64_t>(bytes.size()), histogram.data()), cudaSuccess);
  EXPECT_EQ(histogram.values(), expected);
}

TEST_F(Shim, DoesBitOperationsAsTheManualSays) {
  EXPECT_EQ(__byte_perm(0x33221100U, 0x77665544U, 0x6420U), 0x66442200U);
  EXPECT_EQ(__byte_perm(0x000000F0U, 0, 0x8888U), 0xFFFFFFFFU);
  EXPECT_EQ(__dp4a(0x7F80FF01, 0x01FF0280, 10), 127 + 128 - 2 - 128 + 10);
  EXPECT_EQ(__dp4a(0xFFU, 0xFFU, 1U), 65026U);
  EXPECT_EQ(__brev(1U), 0x80000000U);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__funnelshift_r(0x80000000U, 1U, 31U), 3U);
  EXPECT_EQ(__float2int_rn(2.5F), 2);
  EXPECT_EQ(__float2int_rn(std::nanf("")), 0);
  EXPECT_EQ(__float2int_rn(3e9F), 2147483647);
}

TEST_F(Shim, RoundsFusedProductsOf16BitTypesOnce) {
  // The exact value lies 2^-31 below the middle of two neighbours in fp16. Rounded to fp32 it is the middle, and from
  // there the even neighbour is the upper one.
  const float a = 1.0F + 0x1p-10F, b = 0x1p-11F * (1.0F - 0x1p-10F), c = 1.0F + 0x1p-10F;
  EXPECT_EQ(fp16_to_fp32(fp32_to_fp16(std::fma(a, b, c))), 1.0F + 0x1p-9F);
  EXPECT_EQ(static_cast<float>(__hfma(__half(a), __half(b), __half(c))), 1.0F + 0x1p-10F);
  EXPECT_EQ(static_cast<float>(__half(1.0F) / __half(3.0F)), fp16_to_fp32(fp32_to_fp16(1.0F / 3.0F)));
  EXPECT_EQ(__bfloat16_as_ushort(__float2bfloat16_rn(1.0F)), 0x3F80);
  EXPECT_EQ(__low2float(__floats2bfloat162_rn(1.5F, -2.0F)), 1.5F);
}

TEST_F(Shim, RefusesCopiesThatLeaveABuffer) {
  const DeviceArray<float> device(std::vector<float>(8));
  std::vector<float> host(9);
  EXPECT_NE(cudaMemcpy(device.data(), host.data(), 36, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_THAT(cuda_on_host::machine().report, HasSubstr("the target of a copy of 36 bytes"));
  cuda_on_host::machine().report.clear();
  EXPECT_NE(cudaMemcpy(host.data(), device.data() + 1, 32, cudaMemcpyDeviceToHost), cudaSuccess);
  cuda_on_host::machine().report.clear();
  EXPECT_NE(cudaMemcpy(host.data(), host.data(), 4, cudaMemcpyHostToDevice), cudaSuccess);
  cuda_on_host::machine().report.clear();
}

class Streams : public Shim {
 protected:
  Streams() { cudaStreamCreate(&stream_); }
  ~Streams() override {
    cudaStreamDestroy(stream_);
    cuda_on_host::machine() = {};
  }
  cudaStream_t stream_ = nullptr;
};

TEST_F(Streams, ReadPinnedMemoryWhenTheWorkIsDoneAndOtherMemoryAtOnce) {
  const DeviceArray<float> first({0.0F}), second({0.0F});
  float* pinned = nullptr;
  cudaMallocHost(&pinned, sizeof(float));
  float pageable = 1.0F;
  *pinned = 1.0F;
  cudaMemcpyAsync(first.data(), pinned, sizeof(float), cudaMemcpyHostToDevice, stream_);
  cudaMemcpyAsync(second.data(), &pageable, sizeof(float), cudaMemcpyHostToDevice, stream_);
  *pinned = pageable = 2.0F;
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(first.values(), std::vector<float>{2.0F}) << "changed before it was copied";
  EXPECT_EQ(second.values(), std::vector<float>{1.0F});
  cudaFreeHost(pinned);
}

TEST_F(Streams, DoWhatComesBeforeAnEvent) {
  const DeviceArray<float> values({1.0F});
  float* pinned = nullptr;
  cudaMallocHost(&pinned, sizeof(float));
  cudaStream_t other = nullptr;
  cudaStreamCreate(&other);
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  increase(stream_, values.data(), 1, 1.0F);
  cudaEventRecord(event, stream_);
  increase(stream_, values.data(), 1, 10.0F);
  cudaStreamWaitEvent(other, event, 0);
  cudaMemcpyAsync(pinned, values.data(), sizeof(float), cudaMemcpyDeviceToHost, other);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(*pinned, 2.0F);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(values.values(), std::vector<float>{12.0F});
  cudaEventDestroy(event);
  cudaStreamDestroy(other);
  cudaFreeHost(pinned);
}

class Graphs : public Streams {};

TEST_F(Graphs, ReplayLaunchesAndCopiesByValue) {
  const DeviceArray<float> values({1.0F, 2.0F}), copy({0.0F, 0.0F});
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  float increment = 10.0F;
  increase(stream_, values.data(), 2, increment);
  increment = 1000.0F;
  cudaMemcpyAsync(copy.data(), values.data(), 8, cudaMemcpyDeviceToDevice, stream_);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
  EXPECT_EQ(values.values(), (std::vector<float>{1.0F, 2.0F})) << "recording must not run anything";
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  cudaGraphDestroy(graph);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(values.values(), (std::vector<float>{21.0F, 22.0F}));
  EXPECT_EQ(copy.values(), (std::vector<float>{21.0F, 22.0F}));
  cudaGraphExecDestroy(executable);
}

TEST_F(Graphs, FollowEventsToOtherStreams) {
  const DeviceArray<float> values({1.0F});
  cudaStream_t other = nullptr;
  cudaStreamCreate(&other);
  cudaEvent_t fork = nullptr;
  cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
  cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
  cudaEventRecord(fork, stream_);
  cudaStreamWaitEvent(other, fork, 0);
  increase(other, values.data(), 1, 1.0F);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
  EXPECT_EQ(values.values(), std::vector<float>{1.0F});
  increase(other, values.data(), 1, 1.0F);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(values.values(), std::vector<float>{2.0F}) << "recording has ended in both streams";
  cudaGraphDestroy(graph);
  cudaEventDestroy(fork);
  cudaStreamDestroy(other);
}

TEST_F(Graphs, AllowNoAllocationAndNoWaitingWhileTheyAreRecorded) {
  for (const bool allocates : {true, false}) {
    cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
    void* memory = nullptr;
    EXPECT_EQ(allocates ? cudaMallocAsync(&memory, 4, stream_) : cudaStreamSynchronize(stream_),
              cudaErrorStreamCaptureUnsupported);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
  }
}

class Blas : public Streams {
 protected:
  Blas() {
    cublasCreate(&blas_);
    cublasSetStream(blas_, stream_);
  }
  ~Blas() override { cublasDestroy(blas_); }
  cublasHandle_t blas_ = nullptr;
};

TEST_F(Blas, MultipliesColumnMajorMatricesOfEveryType) {
  // Row-major y[3, 5] = x[3, 4] w[5, 4]^T is column-major y^T = w x^T with w transposed.
  const auto x = integers(3 * 4), w = integers(5 * 4);
  const auto expected = product_of(x, w, std::vector<int>(15), 4, 5);
  const float one = 1.0F, zero = 0.0F;
  const DeviceArray<float> y(std::vector<float>(15, 99.0F));
  const auto multiply = [&](const void* dx, const void* dw, cudaDataType type) {
    return cublasGemmEx(blas_, CUBLAS_OP_T, CUBLAS_OP_N, 5, 3, 4, &one, dw, type, 4, dx, type, 4, &zero, y.data(),
                        CUDA_R_32F, 5, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  };
  const std::vector<float> as_floats(expected.begin(), expected.end());
  const auto to_float = [](int value) { return static_cast<float>(value); };
  const DeviceArray<float> x32(converted<float>(x, to_float)), w32(converted<float>(w, to_float));
  ASSERT_EQ(multiply(x32.data(), w32.data(), CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(y.values(), as_floats);
  const DeviceArray<std::uint16_t> x16(converted<std::uint16_t>(x, bf16_of)), w16(converted<std::uint16_t>(w, bf16_of));
  ASSERT_EQ(multiply(x16.data(), w16.data(), CUDA_R_16BF), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(y.values(), as_floats);
  const auto to_byte = [](int value) { return static_cast<std::int8_t>(value); };
  const DeviceArray<std::int8_t> x8(converted<std::int8_t>(x, to_byte)), w8(converted<std::int8_t>(w, to_byte));
  const DeviceArray<std::int32_t> y32(std::vector<std::int32_t>(15));
  const int int_one = 1, int_zero = 0;
  ASSERT_EQ(cublasGemmEx(blas_, CUBLAS_OP_T, CUBLAS_OP_N, 5, 3, 4, &int_one, w8.data(), CUDA_R_8I, 4, x8.data(),
                         CUDA_R_8I, 4, &int_zero, y32.data(), CUDA_R_32I, 5, CUBLAS_COMPUTE_32I, CUBLAS_GEMM_DEFAULT),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(y32.values(), expected);
}

TEST_F(Blas, RefusesBadStridesAndMatricesThatLeaveTheirBuffer) {
  const DeviceArray<float> a(std::vector<float>(6)), b(std::vector<float>(6)), c(std::vector<float>(4));
  const float one = 1.0F, zero = 0.0F;
  const auto multiply = [&](int a_stride, int k) {
    return cublasGemmEx(blas_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, k, &one, a.data(), CUDA_R_32F, a_stride, b.data(),
                        CUDA_R_32F, k, &zero, c.data(), CUDA_R_32F, 2, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  };
  EXPECT_EQ(multiply(1, 3), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(2, 3), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(multiply(3, 3), CUBLAS_STATUS_SUCCESS);
  EXPECT_NE(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_THAT(cuda_on_host::machine().report, HasSubstr("of matrix a at byte 24"));
}

}  // namespace
}  // namespace quantscope::testing
