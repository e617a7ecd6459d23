// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include <limits>

#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/operations.h"
#include "tests/cuda_on_host/gpu_test.h"

namespace quantscope::testing {
namespace {
class CudaBackendTest : public GpuTest {};

TEST_F(CudaBackendTest, CountsEveryAllocationUnderItsTag) {
  const auto backend = create_gpu();
  MemoryLedger& ledger = backend->ledger();
  const WeightFormat format = block_format(DataType::nf4, 64, true);
  {
    const auto weight = create_weight(*backend, random_values(100 * 576, 1), 100, 576, format);
    const FormatBytes bytes = format_bytes(format, 100, 576);
    EXPECT_EQ(ledger.current()[MemoryTag::codes], bytes.codes);
    EXPECT_EQ(ledger.current()[MemoryTag::scales], bytes.scales);
  }
  EXPECT_EQ(ledger.current().weights(), 0);
  const KvShape shape{3, 2, 16, 32, 5, DataType::fp16};
  const auto kv = backend->create_kv(shape);
  EXPECT_EQ(ledger.current()[MemoryTag::kv_cache], shape.bytes());
  const std::int64_t before = ledger.current()[MemoryTag::workspace];
  const auto buffer = backend->create_buffer(7, 11);
  EXPECT_EQ(ledger.current()[MemoryTag::workspace], before + 7 * 11 * 4);
  // Where a driver counts, too, it comes to no less.
  const std::int64_t counted = backend->driver_bytes();
  EXPECT_TRUE(counted == 0 || counted >= ledger.current().total()) << counted;
}

TEST_F(CudaBackendTest, UploadDownloadAndDecodeKeepCodesAndValues) {
  const auto backend = create_gpu();
  const auto weight = create_weight(*backend, random_values(30 * 95, 2), 30, 95, block_format(DataType::fp4, 64, true));
  auto copy = backend->download(*weight);
  ASSERT_TRUE(copy.has_value());
  std::vector<float> expected(10 * 95);
  reference::decode_rows(*copy, 5, 10, expected);
  const auto again = backend->upload(std::move(*copy));
  ASSERT_TRUE(again.has_value());
  std::vector<float> first(10 * 95);
  std::vector<float> second(10 * 95);
  ASSERT_TRUE(backend->decode(*weight, 5, 10, first).has_value());
  ASSERT_TRUE(backend->decode(**again, 5, 10, second).has_value());
  EXPECT_EQ(first, expected);
  EXPECT_EQ(second, expected);
  EXPECT_FALSE(backend->decode(*weight, 25, 10, first).has_value());
}

TEST_F(CudaBackendTest, UploadKeepsTheTagAndRefusesWhatKernelsCannotRead) {
  const auto backend = create_gpu();
  MemoryLedger host;
  const auto tensor = [&](const WeightFormat& format, MemoryTag tag) {
    return QuantizedTensor::allocate(host, 4, 64, format, tag).value();
  };
  const auto embedding = backend->upload(tensor(dense_format(DataType::bf16), MemoryTag::embedding));
  ASSERT_TRUE(embedding.has_value());
  EXPECT_EQ(backend->ledger().current()[MemoryTag::embedding], 4 * 64 * 2);
  auto wrong_size = tensor(block_format(DataType::nf4, 64, false), MemoryTag::codes);
  wrong_size.rows = 5;
  EXPECT_FALSE(backend->upload(std::move(wrong_size)).has_value());
  WeightFormat groups = block_format(DataType::int4, 32, false);
  groups.scale_layout = ScaleLayout::row_groups;
  const auto refused = backend->upload(tensor(groups, MemoryTag::codes));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
}

TEST_F(CudaBackendTest, EmbedsRowsRoundedToTheComputeType) {
  const auto backend = create_gpu();
  for (const WeightFormat& format : {dense_format(DataType::fp32), block_format(DataType::nf4, 64, true)}) {
    const auto table = create_weight(*backend, random_values(20 * 95, 3), 20, 95, format);
    const auto copy = backend->download(*table);
    const auto hidden = create_filled(*backend, std::vector<float>(3 * 95), 3);
    const std::vector<std::int32_t> ids = {19, 0, 7};
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
      ASSERT_TRUE(backend->embed(*table, ids, compute, *hidden).has_value());
      const auto values = values_of(*backend, *hidden, 3);
      for (std::size_t r = 0; r < 3; ++r) {
        const auto expected = reference::embed(*copy, ids[r], compute);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values.begin() + static_cast<std::ptrdiff_t>(r * 95)));
      }
    }
    const std::int32_t outside = 20;
    EXPECT_FALSE(backend->embed(*table, {&outside, 1}, ComputeType::fp32, *hidden).has_value());
  }
}

TEST_F(CudaBackendTest, StatisticsAreThoseOfTheCpu) {
  constexpr std::int64_t rows = 1100, columns = 1033;  // two tiles of fp32, and pieces that are not full
  auto values = random_values(rows * columns, 4);
  for (const std::size_t i : {5U, 70'000U, 1'000'000U}) values[i] = 9.0F;  // outliers
  values[7] = std::numeric_limits<float>::infinity();
  values[8] = std::numeric_limits<float>::quiet_NaN();
  values[9] = 0.0F;
  values[10] = -0.0F;
  const RowReader reader = [&](std::int64_t first, std::int64_t count, std::span<float> out) -> Result<void> {
    std::copy_n(values.data() + first * columns, count * columns, out.data());
    return {};
  };
  for (const HistogramBins bins : {HistogramBins::float16, HistogramBins::bfloat16}) {
    const auto gpu = create_gpu()->statistics(reader, rows, columns, bins);
    const auto cpu = create_cpu()->statistics(reader, rows, columns, bins);
    ASSERT_TRUE(gpu.has_value());
    EXPECT_EQ(gpu->count, cpu->count);
    EXPECT_EQ(gpu->not_finite, 2);
    EXPECT_EQ(gpu->zeros, cpu->zeros);
    EXPECT_EQ(gpu->outliers, 3);
    EXPECT_EQ(gpu->minimum, cpu->minimum);
    EXPECT_EQ(gpu->maximum, cpu->maximum);
    EXPECT_NEAR(gpu->mean, cpu->mean, 1e-15);
    EXPECT_NEAR(gpu->standard_deviation, cpu->standard_deviation, 1e-13);
    EXPECT_NEAR(gpu->skewness, cpu->skewness, 1e-12);
    EXPECT_NEAR(gpu->excess_kurtosis, cpu->excess_kurtosis, 1e-12);
    EXPECT_EQ(gpu->histogram.counts, cpu->histogram.counts);
  }
}

TEST_F(CudaBackendTest, StoppedTokenCancelsOperations) {
  const auto backend = create_gpu();
  const auto weight = create_weight(*backend, random_values(20 * 64, 7), 20, 64, dense_format(DataType::fp32));
  const auto input = create_filled(*backend, random_values(5 * 64, 8), 5);
  const auto output = create_filled(*backend, std::vector<float>(5 * 20), 5);
  Linear linear;
  linear.weight = weight.get();
  std::stop_source source;
  backend->set_stop_token(source.get_token());
  EXPECT_TRUE(backend->linear_add(*input, 5, linear, *output, nullptr).has_value());
  source.request_stop();
  const auto stopped = backend->linear_add(*input, 5, linear, *output, nullptr);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  backend->set_stop_token({});
  EXPECT_TRUE(backend->linear_add(*input, 5, linear, *output, nullptr).has_value());
}

TEST_F(CudaBackendTest, RefusesShapesThatDoNotFit) {
  const auto backend = create_gpu();
  const auto weight = create_weight(*backend, random_values(8 * 32, 4), 8, 32, dense_format(DataType::fp32));
  const auto input = create_filled(*backend, random_values(2 * 32, 5), 2);
  const auto wrong = create_filled(*backend, random_values(2 * 9, 6), 2);
  Linear linear;
  linear.weight = weight.get();
  EXPECT_FALSE(backend->linear_add(*input, 2, linear, *wrong, nullptr).has_value());
  EXPECT_FALSE(backend->linear_add(*wrong, 2, linear, *input, nullptr).has_value());
  EXPECT_FALSE(backend->linear_add(*input, 3, linear, *input, nullptr).has_value());
  EXPECT_FALSE(backend->create_buffer(-1, 4).has_value());
  EXPECT_FALSE(backend->create_kv({1, 1, 8, 32, 4, DataType::nf4}).has_value());
}

}  // namespace
}  // namespace quantscope::testing
