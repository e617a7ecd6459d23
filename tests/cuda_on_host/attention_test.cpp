// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/attention_properties.h"
#include "tests/kernels/attention_scene.h"

namespace quantscope::testing {
namespace {

/// Row by row; prompt_attention_test.cpp has the path of prompts.
class CudaAttention : public GpuTest {};

/// Passes too short for the path of prompts.
std::vector<std::int64_t> short_passes(std::int64_t length) {
  std::vector<std::int64_t> ends;
  for (std::int64_t end = 15; end < length; end += 15) ends.push_back(end);
  ends.push_back(length);
  return ends;
}

TEST_F(CudaAttention, AgreesWithTheReference) {
  const auto backend = create_gpu();
  const AttentionCase cases[] = {
      {1, 1, 8, 32, DataType::fp32},     {4, 2, 32, 32, DataType::fp16}, {9, 3, 64, 32, DataType::bf16},
      {4, 1, 80, 8, DataType::fp32},     {3, 1, 20, 5, DataType::bf16},  {6, 2, 64, 32, DataType::fp32, 13},
      {4, 2, 32, 7, DataType::fp32, 40}, {2, 1, 7, 1, DataType::fp32},   {2, 1, 64, 32, DataType::fp32, 0, 20.0F},
  };
  for (const AttentionCase& shape : cases) {
    const AttentionScene scene(shape, 53);
    const auto expected = scene.expected();
    if (shape.type == DataType::fp32) expect_near(scene.run(*backend, {53}), expected, 5e-6, name_of(shape));
    expect_near(scene.run(*backend, short_passes(53)), expected, 5e-6, name_of(shape) + ", in passes");
  }
}

TEST_F(CudaAttention, DoesNotDependOnHowASequenceIsCut) {
  const auto backend = create_gpu();
  const AttentionScene wide({6, 2, 24, 12, DataType::fp32, 30}, 47);
  const auto whole = wide.run(*backend, {47});
  EXPECT_EQ(whole, wide.run(*backend, {1, 2, 12, 13, 40, 47}));
  EXPECT_EQ(whole, wide.run(*backend, {33, 47}));
  const AttentionScene narrow({6, 2, 24, 12, DataType::fp16, 30}, 47);
  EXPECT_EQ(narrow.run(*backend, short_passes(47)), narrow.run(*backend, {1, 2, 12, 13, 27, 40, 47}));
}

TEST_F(CudaAttention, CutsLongBatchesToTheWorkspaceItMayHave) {
  const auto backend = create_gpu();
  const AttentionScene scene({64, 1, 2, 32, DataType::fp32}, 520);  // more than 64 MiB of scores
  const auto actual = scene.run(*backend, {520});
  EXPECT_LT(backend->ledger().peak()[MemoryTag::workspace], 70 << 20);
  const auto expected = scene.run(*create_cpu(), {520});
  expect_near(actual, {expected.begin(), expected.end()}, 5e-6, "long batch");
}

TEST_F(CudaAttention, SequencesOfABatchDoNotSeeEachOther) { expect_sequences_do_not_see_each_other(*create_gpu()); }

TEST_F(CudaAttention, CopiedPagesHoldTheSameKeysAndValues) { expect_copied_pages_to_hold_the_same(*create_gpu()); }

TEST_F(CudaAttention, RotatesQueriesAndKeysAsTheReference) { expect_rotation_of_the_reference(*create_gpu()); }

TEST_F(CudaAttention, RefusesPagesAndRowsThatDoNotExist) { expect_refusal_of_missing_pages_and_rows(*create_gpu()); }

}  // namespace
}  // namespace quantscope::testing
