// SPDX-License-Identifier: GPL-3.0-or-later
#include <limits>
#include <ostream>

#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/attention_scene.h"

/// Attention of prompts: 16-bit caches and at least 16 rows of a sequence in a pass.
namespace quantscope::testing {
namespace {

/// Largest relative error of a value rounded to nearest.
double rounding_error(DataType type) { return type == DataType::fp16 ? 0x1p-11 : 0x1p-8; }

/// What else may differ: fp32 sums, and powers of 2 to 2^-22.
constexpr double arithmetic = 2e-5;

/// What a row's results may differ by: weights are rounded to the type of the cache.
std::vector<double> tolerances(const AttentionScene& scene, DataType type) {
  auto result = scene.rounding_of_weights(rounding_error(type));
  for (double& tolerance : result) tolerance = 1.01 * tolerance + arithmetic;
  return result;
}

void expect_within(const std::vector<float>& actual, const std::vector<double>& expected,
                   const std::vector<double>& tolerance, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(static_cast<double>(actual[i]), expected[i], tolerance[i]) << what << " at " << i;
}

/// The first `rows` of all rows.
std::vector<float> first_rows(const std::vector<float>& values, std::int64_t rows, std::int64_t all) {
  return {values.begin(), values.begin() + std::ssize(values) / all * rows};
}

class CudaPromptAttention : public GpuTest {};

struct PromptCase {
  AttentionCase shape;
  std::int64_t length;
  std::vector<std::int64_t> ends;  ///< of passes
};

void PrintTo(const PromptCase& prompt, std::ostream* out) {
  *out << name_of(prompt.shape) << ", " << prompt.length << " rows";
}

class CudaPromptAttentionCase : public CudaPromptAttention, public ::testing::WithParamInterface<PromptCase> {};

TEST_P(CudaPromptAttentionCase, AgreesWithTheReference) {
  const auto backend = create_gpu();
  const auto& [shape, length, ends] = GetParam();
  AttentionScene scene(shape, length);
  scene.round_queries();
  expect_within(scene.run(*backend, ends), scene.expected(), tolerances(scene, shape.type), name_of(shape));
}

constexpr auto bf16 = DataType::bf16;
constexpr auto fp16 = DataType::fp16;
INSTANTIATE_TEST_SUITE_P(
    Cases, CudaPromptAttentionCase,
    ::testing::Values(
        // Head sizes, among them some that are filled up.
        PromptCase{{2, 1, 64, 32, bf16}, 130, {130}}, PromptCase{{2, 1, 64, 32, fp16}, 130, {130}},
        PromptCase{{2, 2, 80, 32, bf16}, 67, {67}}, PromptCase{{2, 2, 96, 32, fp16}, 67, {67}},
        PromptCase{{2, 2, 128, 32, bf16}, 67, {67}}, PromptCase{{2, 2, 128, 32, fp16}, 67, {67}},
        PromptCase{{2, 1, 256, 32, bf16}, 67, {67}}, PromptCase{{1, 1, 136, 32, fp16}, 35, {35}},
        PromptCase{{3, 1, 8, 32, bf16}, 35, {35}},
        // Heads per key head.
        PromptCase{{3, 1, 32, 32, fp16}, 97, {97}}, PromptCase{{8, 2, 32, 32, bf16}, 97, {97}},
        PromptCase{{8, 1, 32, 32, fp16}, 97, {97}}, PromptCase{{9, 3, 64, 32, bf16}, 33, {33}},
        // Windows shorter and longer than what goes through shared memory at once, also over 32 positions.
        PromptCase{{4, 1, 32, 32, fp16, 13}, 129, {129}}, PromptCase{{2, 1, 32, 32, bf16, 70}, 200, {200}},
        PromptCase{{1, 1, 256, 32, fp16, 40}, 101, {101}}, PromptCase{{2, 1, 32, 32, fp16, 1}, 40, {40}},
        // Capped and large scores, whose maximum moves.
        PromptCase{{2, 1, 64, 32, fp16, 0, 20.0F, 8.0F}, 130, {130}},
        PromptCase{{2, 1, 64, 32, fp16, 0, 0.0F, 8.0F}, 200, {200}},
        // Pages that end anywhere, and what is in the cache before.
        PromptCase{{3, 1, 32, 7, fp16}, 131, {131}}, PromptCase{{3, 1, 32, 1, bf16}, 67, {67}},
        PromptCase{{4, 2, 32, 5, fp16}, 150, {7, 8, 77, 150}},
        PromptCase{{4, 2, 32, 32, bf16, 20}, 150, {61, 133, 150}},
        PromptCase{{1, 1, 128, 12, fp16}, 140, {100, 120, 140}}),
    [](const auto& param_info) { return "case_" + std::to_string(param_info.index); });

TEST_F(CudaPromptAttention, EveryLengthGivesTheRowsOfALongerPrompt) {
  const auto backend = create_gpu();
  const AttentionScene longest({3, 1, 16, 32, DataType::fp16}, 131);
  const auto all = longest.run(*backend, {131});
  for (std::int64_t length = 17; length < 131; length += 2) {
    const auto part = first_rows(longest.run(*backend, {length}), length, length);
    ASSERT_EQ(part, first_rows(all, length, 131)) << length;
  }
}

TEST_F(CudaPromptAttention, DoesNotDependOnHowAPromptIsCut) {
  const auto backend = create_gpu();
  for (const AttentionCase& shape :
       {AttentionCase{6, 2, 24, 12, DataType::fp16}, AttentionCase{4, 1, 64, 32, DataType::bf16, 50}}) {
    const AttentionScene scene(shape, 145);
    const auto whole = scene.run(*backend, {145});
    EXPECT_EQ(whole, scene.run(*backend, {16, 33, 97, 113, 145}));
    EXPECT_EQ(whole, scene.run(*backend, {64, 128, 145}));
  }
}

TEST_F(CudaPromptAttention, RoundsQueriesToTheTypeOfTheCache) {
  const auto backend = create_gpu();
  for (const DataType type : {DataType::bf16, DataType::fp16}) {
    AttentionScene scene({2, 1, 64, 32, type}, 20);
    const auto before = scene.run(*backend, {20});
    const auto row_by_row = scene.run(*backend, {15, 20});
    scene.round_queries();
    EXPECT_EQ(before, scene.run(*backend, {20}));
    EXPECT_NE(row_by_row, scene.run(*backend, {15, 20})) << "there was nothing to round";
  }
}

/// A sequence of a pass whose first rows are in the cache before.
struct Packed {
  const AttentionScene* scene;
  std::int64_t cached;

  std::int64_t rows() const { return scene->length() - cached; }
};

using Part = std::vector<float> (AttentionScene::*)(std::int64_t first, std::int64_t end) const;

std::unique_ptr<Buffer> create_rows(Backend& backend, const std::vector<Packed>& packed, Part part, bool cached) {
  std::vector<float> values;
  std::int64_t rows = 0;
  for (const Packed& one : packed) {
    const auto of_one =
        cached ? (one.scene->*part)(0, one.cached) : (one.scene->*part)(one.cached, one.scene->length());
    values.insert(values.end(), of_one.begin(), of_one.end());
    rows += cached ? one.cached : one.rows();
  }
  return create_filled(backend, values, rows);
}

void append(Backend& backend, const std::vector<Packed>& packed, bool cached, std::span<const SequenceRows> sequences,
            KvStorage& kv) {
  const auto q = create_rows(backend, packed, &AttentionScene::q, cached);
  const auto k = create_rows(backend, packed, &AttentionScene::k, cached);
  const auto v = create_rows(backend, packed, &AttentionScene::v, cached);
  const AttentionShape shape = packed.front().scene->attention(1);
  EXPECT_TRUE(backend.rope_append(*q, *k, *v, shape, {}, sequences, kv).has_value());
}

/// One pass of several sequences that share a cache.
std::vector<float> run_packed(Backend& backend, const std::vector<Packed>& packed) {
  std::int64_t free_pages = 0;
  for (const Packed& one : packed) free_pages += one.scene->page_count();
  auto kv = backend.create_kv(packed.front().scene->cache(free_pages));
  EXPECT_TRUE(kv.has_value());
  std::vector<std::vector<std::int32_t>> pages(packed.size());
  std::vector<SequenceRows> sequences;
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < packed.size(); ++i) {
    for (std::int64_t p = 0; p < packed[i].scene->page_count(); ++p)
      pages[i].push_back(static_cast<std::int32_t>(--free_pages));
    const SequenceRows before{pages[i], 0, 0, packed[i].cached};
    if (before.row_count > 0) append(backend, {packed[i]}, true, {&before, 1}, **kv);
    sequences.push_back({pages[i], packed[i].cached, rows, packed[i].rows()});
    rows += packed[i].rows();
  }
  append(backend, packed, false, sequences, **kv);
  const auto q = create_rows(backend, packed, &AttentionScene::q, false);
  const auto out = create_rows(backend, packed, &AttentionScene::q, false);
  EXPECT_TRUE(backend.attention(*q, packed.front().scene->attention(1), sequences, **kv, *out).has_value());
  return values_of(backend, *out, rows);
}

TEST_F(CudaPromptAttention, SequencesOfABatchDoNotChangeEachOther) {
  const auto backend = create_gpu();
  const AttentionCase shape{4, 2, 32, 8, DataType::bf16};
  const AttentionScene first(shape, 70, 40), one_row(shape, 9, 50), second(shape, 93, 60), few_rows(shape, 12, 70);
  const std::vector<Packed> all = {{&first, 0}, {&one_row, 8}, {&second, 40}, {&few_rows, 0}};
  std::vector<float> alone;
  for (const Packed& one : all) {
    const auto rows = run_packed(*backend, {one});
    alone.insert(alone.end(), rows.begin(), rows.end());
  }
  EXPECT_EQ(run_packed(*backend, all), alone);
}

TEST_F(CudaPromptAttention, PagesHoldWhatNoRowSees) {
  const auto backend = create_gpu();
  const AttentionCase shape{2, 1, 64, 32, DataType::fp16};
  const AttentionScene scene(shape, 70);
  const auto expected = scene.run(*backend, {40, 70});
  auto kv = backend->create_kv(scene.cache(3));
  ASSERT_TRUE(kv.has_value());
  const std::int32_t pages[] = {2, 0, 1};
  const auto append = [&](const std::vector<float>& values, std::int64_t rows) {
    const auto q = create_filled(*backend, scene.q(0, rows), rows);
    const auto k = create_filled(*backend, scene.k(0, rows), rows);
    const auto v = create_filled(*backend, values, rows);
    const SequenceRows sequence{pages, 0, 0, rows};
    ASSERT_TRUE(backend->rope_append(*q, *k, *v, scene.attention(1), {}, {&sequence, 1}, **kv).has_value());
  };
  append(std::vector<float>(std::size_t{70} * 64, std::numeric_limits<float>::infinity()), 70);
  append(scene.v(0, 40), 40);
  const auto q = create_filled(*backend, scene.q(0, 40), 40);
  const auto out = create_filled(*backend, scene.q(0, 40), 40);
  const SequenceRows sequence{pages, 0, 0, 40};
  ASSERT_TRUE(backend->attention(*q, scene.attention(1), {&sequence, 1}, **kv, *out).has_value());
  EXPECT_EQ(values_of(*backend, *out, 40), first_rows(expected, 40, 70));
}

/// Rows whose result differs by more than twice the tolerance somewhere when the position is missing.
std::int64_t rows_that_show(const AttentionScene& scene, std::int64_t missing, const std::vector<double>& expected,
                            const std::vector<double>& tolerance) {
  const auto without = scene.expected(missing);
  const std::size_t width = expected.size() / static_cast<std::size_t>(scene.length());
  std::int64_t rows = 0;
  for (std::size_t begin = 0; begin < expected.size(); begin += width) {
    bool shown = false;
    for (std::size_t i = begin; i < begin + width; ++i)
      shown = shown || std::abs(without[i] - expected[i]) > 2 * tolerance[i];
    rows += shown ? 1 : 0;
  }
  return rows;
}

TEST_F(CudaPromptAttention, TheToleranceShowsOneLostKey) {
  // A key of little weight may be lost in what bf16 leaves of the weights, but not in most rows.
  for (const auto& [type, share] : {std::pair{DataType::bf16, 0.9}, std::pair{DataType::fp16, 1.0}}) {
    AttentionScene scene({2, 1, 64, 32, type}, 130);
    scene.round_queries();
    const auto expected = scene.expected();
    const auto tolerance = tolerances(scene, type);
    for (const std::int64_t missing : {0, 1, 31, 63, 64, 100}) {
      const auto rows = static_cast<double>(130 - missing);  // that see it
      EXPECT_GE(static_cast<double>(rows_that_show(scene, missing, expected, tolerance)), share * rows) << missing;
    }
  }
}

}  // namespace
}  // namespace quantscope::testing
