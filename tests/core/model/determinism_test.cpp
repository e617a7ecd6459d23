// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using testing::LoadedModel;

std::vector<std::int32_t> some_ids(std::int64_t count, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>((i * 7919 + 13) % vocabulary));
  return ids;
}

class Determinism : public ::testing::TestWithParam<const char*> {
 protected:
  static std::filesystem::path folder() { return testing::shared_folder() / "reference/models/llama3_rope_gqa_tied"; }
};

TEST_P(Determinism, ThreadsDoNotChangeABit) {
  QUANTSCOPE_REQUIRE_SHARED();
  for (const std::string& level : describe_cpu().dispatch_levels) {
    std::vector<float> first;
    for (const int threads : {1, 2, 3, 5}) {
      const std::string separator = std::string(GetParam()).find(':') == std::string::npos ? ":" : ",";
      LoadedModel model =
          LoadedModel::load(folder(), fmt::format("{}{}threads={},simd={}", GetParam(), separator, threads, level));
      const auto logits = model.logits(some_ids(67, model.checkpoint->model().vocabulary));
      if (first.empty()) first = logits;
      ASSERT_EQ(std::memcmp(first.data(), logits.data(), logits.size() * sizeof(float)), 0)
          << level << ", " << threads << " threads";
    }
  }
}

TEST_P(Determinism, CuttingThePromptDoesNotChangeABit) {
  QUANTSCOPE_REQUIRE_SHARED();
  for (const std::string& level : describe_cpu().dispatch_levels) {
    const std::string separator = std::string(GetParam()).find(':') == std::string::npos ? ":" : ",";
    const std::string configuration = fmt::format("{}{}simd={}", GetParam(), separator, level);
    LoadedModel whole = LoadedModel::load(folder(), configuration, 128, 512);
    const auto ids = some_ids(67, whole.checkpoint->model().vocabulary);
    const auto expected = whole.logits(ids);
    for (const std::int64_t rows : {1, 5, 32}) {
      LoadedModel cut = LoadedModel::load(folder(), configuration, 128, rows);
      const auto logits = cut.logits(ids);
      ASSERT_EQ(std::memcmp(expected.data(), logits.data(), logits.size() * sizeof(float)), 0)
          << level << ", " << rows << " rows";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Configurations, Determinism,
                         ::testing::Values("fp32", "fp16", "bf16", "int8", "int8-weight", "int4", "nf4", "nf4-dq",
                                           "fp4:compute=fp32", "nf4:block=256"));

TEST(PrefixSharing, BranchesEqualTheirUnsharedSequences) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/models/stories260K";
  LoadedModel model = LoadedModel::load(folder, "fp32", 512, 64);
  const auto prefix = some_ids(45, 512);  // ends inside a page
  auto shared = model.decoder->new_sequence();
  ASSERT_TRUE(model.decoder->append(shared, prefix));
  for (const std::int32_t last : {3, 400, 77}) {
    auto branch = shared;
    ASSERT_TRUE(model.decoder->append(branch, {&last, 1}));
    const auto branched = model.decoder->top();
    ASSERT_TRUE(branched);
    auto ids = prefix;
    ids.push_back(last);
    auto alone = model.decoder->new_sequence();
    ASSERT_TRUE(model.decoder->append(alone, ids));
    const auto unshared = model.decoder->top();
    ASSERT_TRUE(unshared);
    EXPECT_EQ(branched->id, unshared->id);
    EXPECT_EQ(branched->logit, unshared->logit);
  }
}

TEST(PrefixSharing, AStepOfSeveralSequencesEqualsOneByOne) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto folder = testing::shared_folder() / "reference/models/stories260K";
  LoadedModel model = LoadedModel::load(folder, "nf4", 512, 64);
  std::vector<Decoder::Sequence> sequences;
  for (const std::int64_t length : {3, 31, 32, 40}) {
    sequences.push_back(model.decoder->new_sequence());
    ASSERT_TRUE(model.decoder->append(sequences.back(), some_ids(length, 512)));
  }
  const std::vector<std::int32_t> next = {5, 6, 7, 8};
  std::vector<TopToken> alone;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    auto copy = sequences[i];
    ASSERT_TRUE(model.decoder->append(copy, {&next[i], 1}));
    alone.push_back(*model.decoder->top());
  }
  std::vector<Decoder::Sequence*> pointers;
  for (auto& sequence : sequences) pointers.push_back(&sequence);
  ASSERT_TRUE(model.decoder->step(pointers, next));
  const auto together = model.decoder->tops();
  ASSERT_TRUE(together);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ((*together)[i].id, alone[i].id);
    EXPECT_EQ((*together)[i].logit, alone[i].logit);
  }
}

TEST(Decoder, RefusesIdsOutsideTheVocabulary) {
  QUANTSCOPE_REQUIRE_SHARED();
  LoadedModel model = LoadedModel::load(testing::shared_folder() / "reference/models/stories260K", "fp32", 64, 64);
  auto sequence = model.decoder->new_sequence();
  for (const std::int32_t id : {-1, 512, 1 << 30}) {
    const auto done = model.decoder->append(sequence, {&id, 1});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(sequence.length(), 0);
  }
}

TEST(Decoder, SaysWhenTheCacheIsFullAndStaysUsable) {
  QUANTSCOPE_REQUIRE_SHARED();
  LoadedModel model = LoadedModel::load(testing::shared_folder() / "reference/models/stories260K", "fp32", 64, 64);
  auto sequence = model.decoder->new_sequence();
  ASSERT_TRUE(model.decoder->append(sequence, some_ids(60, 512)));
  const auto full = model.decoder->append(sequence, some_ids(10, 512));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::out_of_memory);
  EXPECT_EQ(sequence.length(), 60);
  EXPECT_TRUE(model.decoder->append(sequence, some_ids(4, 512)));
}

}  // namespace
}  // namespace quantscope
