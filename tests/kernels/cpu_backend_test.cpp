// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>

#include "tests/kernels/backend_properties.h"

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

TEST(CpuBackend, CountsEveryAllocationUnderItsTag) { expect_allocations_under_their_tags(*create_cpu()); }

TEST(CpuBackend, UploadDownloadAndDecodeKeepCodesAndValues) {
  expect_upload_and_download_to_keep_values(*create_cpu("auto", 2));
}

TEST(CpuBackend, UploadRefusesTensorsOfTheWrongSize) {
  const auto backend = create_cpu();
  auto tensor =
      QuantizedTensor::allocate(backend->ledger(), 4, 64, block_format(DataType::nf4, 64, false), MemoryTag::codes);
  ASSERT_TRUE(tensor.has_value());
  tensor->rows = 5;
  EXPECT_FALSE(backend->upload(std::move(*tensor)).has_value());
}

TEST(CpuBackend, EmbedsRowsRoundedToTheComputeType) { expect_embedding_of_the_reference(*create_cpu("auto", 2)); }

TEST(CpuBackend, RefusesShapesThatDoNotFit) { expect_refusal_of_shapes_that_do_not_fit(*create_cpu()); }

TEST(CpuBackend, StoppedTokenCancelsOperations) { expect_stopped_token_to_cancel(*create_cpu("auto", 2)); }

}  // namespace
}  // namespace quantscope::testing
