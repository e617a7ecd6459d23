// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

namespace quantscope::testing {
namespace {

TEST(CpuBackend, UnknownLevelIsRefusedWithTheLevelsThereAre) {
  const auto backend = create_cpu_backend({1, "mmx"});
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(backend.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(backend.error().message, ::testing::HasSubstr("mmx"));
  for (const std::string& level : levels()) EXPECT_THAT(backend.error().message, ::testing::HasSubstr(level));
}

TEST(CpuBackend, ThreadsOutOfRangeAreRefused) {
  EXPECT_FALSE(create_cpu_backend({-1, "auto"}).has_value());
  EXPECT_FALSE(create_cpu_backend({1025, "auto"}).has_value());
}

TEST(CpuBackend, DescribesItself) {
  const DeviceDescription described = describe_cpu();
  EXPECT_EQ(described.id, "cpu");
  EXPECT_EQ(described.dispatch_levels.front(), "scalar");
  EXPECT_EQ(described.dispatch_level, described.dispatch_levels.back());
  EXPECT_GT(described.memory_total, 0);
  EXPECT_TRUE(described.unavailable.empty());
  const DeviceDescription chosen = create_cpu("scalar", 3)->description();
  EXPECT_EQ(chosen.dispatch_level, "scalar");
  EXPECT_EQ(chosen.threads, 3);
}

TEST(CpuBackend, CountsEveryAllocationUnderItsTag) {
  const auto backend = create_cpu();
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
  EXPECT_EQ(shape.bytes(), 2 * 3 * 2 * 16 * 32 * 5 * 2);
  {
    const auto kv = backend->create_kv(shape);
    EXPECT_EQ(ledger.current()[MemoryTag::kv_cache], shape.bytes());
    const std::int64_t before = ledger.current()[MemoryTag::workspace];
    const auto buffer = backend->create_buffer(7, 11);
    EXPECT_EQ(ledger.current()[MemoryTag::workspace], before + 7 * 11 * 4);
  }
  EXPECT_EQ(ledger.current()[MemoryTag::kv_cache], 0);
}

TEST(CpuBackend, UploadDownloadAndDecodeKeepCodesAndValues) {
  const auto backend = create_cpu("auto", 2);
  const auto values = random_values(30 * 96, 2);
  const auto weight = create_weight(*backend, values, 30, 96, block_format(DataType::fp4, 64, true));
  auto copy = backend->download(*weight);
  ASSERT_TRUE(copy.has_value());
  const auto again = backend->upload(std::move(*copy));
  ASSERT_TRUE(again.has_value());
  std::vector<float> first(10 * 96);
  std::vector<float> second(10 * 96);
  ASSERT_TRUE(backend->decode(*weight, 5, 10, first).has_value());
  ASSERT_TRUE(backend->decode(**again, 5, 10, second).has_value());
  EXPECT_EQ(first, second);
  EXPECT_FALSE(backend->decode(*weight, 25, 10, first).has_value());
}

TEST(CpuBackend, UploadRefusesTensorsOfTheWrongSize) {
  const auto backend = create_cpu();
  auto tensor =
      QuantizedTensor::allocate(backend->ledger(), 4, 64, block_format(DataType::nf4, 64, false), MemoryTag::codes);
  ASSERT_TRUE(tensor.has_value());
  tensor->rows = 5;
  EXPECT_FALSE(backend->upload(std::move(*tensor)).has_value());
}

TEST(CpuBackend, EmbedsRowsRoundedToTheComputeType) {
  const auto backend = create_cpu("auto", 2);
  for (const WeightFormat& format : {dense_format(DataType::fp32), block_format(DataType::nf4, 64, true)}) {
    const auto table = create_weight(*backend, random_values(20 * 96, 3), 20, 96, format);
    const auto copy = backend->download(*table);
    const auto hidden = create_filled(*backend, std::vector<float>(3 * 96), 3);
    const std::vector<std::int32_t> ids = {19, 0, 7};
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
      ASSERT_TRUE(backend->embed(*table, ids, compute, *hidden).has_value());
      const auto values = values_of(*backend, *hidden, 3);
      for (std::size_t r = 0; r < 3; ++r) {
        const auto expected = reference::embed(*copy, ids[r], compute);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values.begin() + static_cast<std::ptrdiff_t>(r * 96)));
      }
    }
    const std::int32_t outside = 20;
    EXPECT_FALSE(backend->embed(*table, {&outside, 1}, ComputeType::fp32, *hidden).has_value());
  }
}

TEST(CpuBackend, RefusesShapesThatDoNotFit) {
  const auto backend = create_cpu();
  const auto weight = create_weight(*backend, random_values(8 * 32, 4), 8, 32, dense_format(DataType::fp32));
  const auto input = create_filled(*backend, random_values(2 * 32, 5), 2);
  const auto wrong = create_filled(*backend, random_values(2 * 9, 6), 2);
  Linear linear;
  linear.weight = weight.get();
  EXPECT_FALSE(backend->linear_add(*input, 2, linear, *wrong, nullptr).has_value());
  EXPECT_FALSE(backend->linear_add(*wrong, 2, linear, *input, nullptr).has_value());
  EXPECT_FALSE(backend->create_buffer(-1, 4).has_value());
  EXPECT_FALSE(backend->create_buffer(std::int64_t{1} << 62, 4).has_value());
  EXPECT_FALSE(backend->create_kv({1, 1, 8, 32, 4, DataType::nf4}).has_value());
  EXPECT_FALSE(backend->create_kv({1, 1, 8, 32, std::int64_t{1} << 60, DataType::fp32}).has_value());
}

TEST(CpuBackend, StoppedTokenCancelsOperations) {
  const auto backend = create_cpu("auto", 2);
  const auto weight = create_weight(*backend, random_values(200 * 64, 7), 200, 64, dense_format(DataType::fp32));
  const auto input = create_filled(*backend, random_values(5 * 64, 8), 5);
  const auto output = create_filled(*backend, std::vector<float>(5 * 200), 5);
  Linear linear;
  linear.weight = weight.get();
  std::stop_source source;
  backend->set_stop_token(source.get_token());
  EXPECT_TRUE(backend->linear_add(*input, 5, linear, *output, nullptr).has_value());
  source.request_stop();
  const auto stopped = backend->linear_add(*input, 5, linear, *output, nullptr);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  const RowReader reader = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> { return {}; };
  const auto quantized = backend->quantize(reader, 64, 64, dense_format(DataType::fp16), MemoryTag::codes);
  ASSERT_FALSE(quantized.has_value());
  EXPECT_EQ(quantized.error().code, ErrorCode::cancelled);
  backend->set_stop_token({});
  EXPECT_TRUE(backend->linear_add(*input, 5, linear, *output, nullptr).has_value());
}

}  // namespace
}  // namespace quantscope::testing
