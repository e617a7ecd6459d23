// SPDX-License-Identifier: GPL-3.0-or-later
#include <limits>

#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/backend_properties.h"

namespace quantscope::testing {
namespace {
class CudaBackendTest : public GpuTest {};

TEST_F(CudaBackendTest, CountsEveryAllocationUnderItsTag) { expect_allocations_under_their_tags(*create_gpu()); }

TEST_F(CudaBackendTest, UploadDownloadAndDecodeKeepCodesAndValues) {
  expect_upload_and_download_to_keep_values(*create_gpu());
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

TEST_F(CudaBackendTest, EmbedsRowsRoundedToTheComputeType) { expect_embedding_of_the_reference(*create_gpu()); }

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

TEST_F(CudaBackendTest, StoppedTokenCancelsOperations) { expect_stopped_token_to_cancel(*create_gpu()); }

TEST_F(CudaBackendTest, RefusesShapesThatDoNotFit) { expect_refusal_of_shapes_that_do_not_fit(*create_gpu()); }

}  // namespace
}  // namespace quantscope::testing
