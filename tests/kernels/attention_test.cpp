// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernels/attention_properties.h"
#include "tests/kernels/attention_scene.h"

namespace quantscope::testing {
namespace {

class AttentionLevels : public ::testing::TestWithParam<std::string> {};

TEST_P(AttentionLevels, AgreeWithTheReference) {
  const auto backend = create_cpu(GetParam(), 2);
  const AttentionCase cases[] = {
      {1, 1, 8, 32, DataType::fp32},      {2, 2, 16, 16, DataType::fp32},    {4, 2, 32, 32, DataType::fp16},
      {9, 3, 64, 32, DataType::fp32},     {9, 3, 64, 32, DataType::bf16},    {4, 1, 80, 8, DataType::fp32},
      {8, 1, 96, 32, DataType::fp16},     {5, 1, 128, 32, DataType::fp32},   {3, 1, 20, 5, DataType::bf16},
      {6, 2, 64, 32, DataType::fp32, 13}, {4, 2, 32, 7, DataType::fp32, 40}, {2, 1, 64, 32, DataType::fp32, 0, 20.0F},
  };
  for (const AttentionCase& shape : cases) {
    const AttentionScene scene(shape, 70);
    expect_near(scene.run(*backend, {70}), scene.expected(), 5e-6, name_of(shape));
  }
}

TEST_P(AttentionLevels, GiveTheSameBitsForAnyCutAndThreads) {
  const AttentionScene scene({6, 2, 40, 12, DataType::fp16, 30}, 67);
  const auto whole = scene.run(*create_cpu(GetParam(), 1), {67});
  EXPECT_EQ(whole, scene.run(*create_cpu(GetParam(), 2), {1, 2, 12, 13, 40, 67}));
  EXPECT_EQ(whole, scene.run(*create_cpu(GetParam(), 3), {33, 67}));
  EXPECT_EQ(whole, scene.run(*create_cpu(GetParam(), 5), {67}));
}

INSTANTIATE_TEST_SUITE_P(Cpu, AttentionLevels, ::testing::ValuesIn(levels()));

TEST(CpuAttention, SequencesOfABatchDoNotSeeEachOther) {
  expect_sequences_do_not_see_each_other(*create_cpu("auto", 2));
}

TEST(CpuAttention, CopiedPagesHoldTheSameKeysAndValues) { expect_copied_pages_to_hold_the_same(*create_cpu()); }

TEST(CpuAttention, RotatesQueriesAndKeysAsTheReference) { expect_rotation_of_the_reference(*create_cpu()); }

TEST(CpuAttention, RefusesPagesAndRowsThatDoNotExist) { expect_refusal_of_missing_pages_and_rows(*create_cpu()); }

}  // namespace
}  // namespace quantscope::testing
