// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <limits>

#include "tests/kernels/head_scene.h"

namespace quantscope::testing {
namespace {
constexpr std::int64_t columns = 64;
constexpr std::int64_t vocabulary = 1003;

class CpuHeadScene : public HeadScene {
 public:
  CpuHeadScene(const std::string& simd, int threads) : HeadScene(create_cpu(simd, threads), columns, vocabulary) {}
};

class HeadLevels : public ::testing::TestWithParam<std::string> {};

TEST_P(HeadLevels, AgreeWithTheReference) { expect_head_of_the_reference(CpuHeadScene(GetParam(), 2), {0, 1002, 500}); }

TEST_P(HeadLevels, LogProbabilitiesAreThoseOfTheLogits) {
  const std::int32_t targets[] = {0, 47, 48, 1002};
  expect_log_probabilities_of_the_logits(CpuHeadScene(GetParam(), 1), targets, 1e-6);
}

TEST_P(HeadLevels, GiveTheSameBitsForAnyBatchAndThreads) {
  const std::vector<std::int32_t> rows = {0, 1, 2, 3, 4, 5};
  const std::vector<std::int32_t> targets = {7, 600, 2, 3, 900, 1};
  const auto whole = CpuHeadScene(GetParam(), 1).log_probabilities(rows, targets);
  for (const int threads : {2, 3, 5}) {
    const CpuHeadScene scene(GetParam(), threads);
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(scene.log_probabilities({&rows[i], 1}, {&targets[i], 1}).front(), whole[i]);
  }
}

/// Two heads over one vocabulary, whose hidden states and weights differ by noise of a given size.
class PairScene {
 public:
  PairScene(const std::string& simd, int threads, float noise) : scene(simd, threads) {
    std::vector<float> values = random_values(vocabulary * columns, 41);
    const std::vector<float> changes = random_values(vocabulary * columns, 43, noise);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += changes[i];
    other_weight = create_weight(*scene.backend, values, vocabulary, columns, dense_format(DataType::fp32));
    std::vector<float> states = random_values(6 * columns, 42);
    const std::vector<float> moves = random_values(6 * columns, 44, noise);
    for (std::size_t i = 0; i < states.size(); ++i) states[i] += moves[i];
    other_hidden = create_filled(*scene.backend, states, 6);
    other_head.weight = other_weight.get();
  }

  HeadRows base(std::span<const std::int32_t> picked) const {
    return {scene.hidden.get(), picked, scene.norm, scene.head};
  }
  HeadRows other(std::span<const std::int32_t> picked) const {
    return {other_hidden.get(), picked, scene.norm, other_head};
  }
  std::vector<double> logits(const HeadRows& rows) const {
    std::vector<float> values(rows.picked.size() * vocabulary);
    EXPECT_TRUE(scene.backend->head_logits(*rows.hidden, rows.picked, rows.norm, rows.head, values).has_value());
    return {values.begin(), values.end()};
  }
  std::vector<HeadPair> compare(const HeadRows& one, const HeadRows& two, std::span<const std::int32_t> targets) const {
    std::vector<HeadPair> pairs(targets.size());
    const auto done = scene.backend->head_pair(one, two, targets, pairs);
    EXPECT_TRUE(done.has_value()) << done.error().message;
    return pairs;
  }

  CpuHeadScene scene;
  std::unique_ptr<Weight> other_weight;
  std::unique_ptr<Buffer> other_hidden;
  Linear other_head;
};

TEST_P(HeadLevels, PairsAreThoseOfTheLogits) {
  const std::vector<std::int32_t> picked = {5, 0, 3, 1};
  const std::vector<std::int32_t> targets = {0, 1002, 500, 48};
  int differing_tops = 0;
  for (const float noise : {0.002F, 0.05F, 1.0F}) {
    const PairScene scene(GetParam(), 2, noise);
    const auto base = scene.logits(scene.base(picked));
    const auto other = scene.logits(scene.other(picked));
    const auto pairs = scene.compare(scene.base(picked), scene.other(picked), targets);
    for (std::size_t i = 0; i < picked.size(); ++i) {
      const auto expected = reference::compare_heads(std::span(base).subspan(i * vocabulary, vocabulary),
                                                     std::span(other).subspan(i * vocabulary, vocabulary), targets[i]);
      EXPECT_NEAR(pairs[i].base_log_probability, expected.base_log_probability, 1e-6);
      EXPECT_NEAR(pairs[i].log_probability, expected.log_probability, 1e-6);
      EXPECT_NEAR(pairs[i].divergence, expected.divergence, 2e-7 + 1e-6 * expected.divergence);
      EXPECT_GT(pairs[i].divergence, 0.0);
      EXPECT_EQ(pairs[i].same_top, expected.same_top);
      differing_tops += pairs[i].same_top ? 0 : 1;
    }
  }
  EXPECT_GT(differing_tops, 0);
}

TEST_P(HeadLevels, APairWithItselfDivergesByExactlyNothing) {
  const PairScene scene(GetParam(), 2, 0.5F);
  const std::vector<std::int32_t> picked = {0, 1, 2, 3, 4, 5};
  const std::vector<std::int32_t> targets = {7, 600, 2, 3, 900, 1};
  for (const HeadRows& rows : {scene.base(picked), scene.other(picked)}) {
    for (const HeadPair& pair : scene.compare(rows, rows, targets)) {
      EXPECT_EQ(pair.divergence, 0.0);
      EXPECT_EQ(pair.base_log_probability, pair.log_probability);
      EXPECT_TRUE(pair.same_top);
    }
  }
}

TEST_P(HeadLevels, TheDirectionOfAPairMatters) {
  const PairScene scene(GetParam(), 1, 1.0F);
  const std::vector<std::int32_t> row = {2};
  const std::vector<std::int32_t> target = {4};
  const HeadPair forth = scene.compare(scene.base(row), scene.other(row), target).front();
  const HeadPair back = scene.compare(scene.other(row), scene.base(row), target).front();
  EXPECT_GT(std::abs(forth.divergence - back.divergence), 1e-3);
  EXPECT_EQ(forth.base_log_probability, back.log_probability);
  double alone = 0;
  ASSERT_TRUE(
      scene.scene.backend
          ->head_log_probabilities(*scene.scene.hidden, row, scene.scene.norm, scene.scene.head, target, {&alone, 1})
          .has_value());
  EXPECT_EQ(forth.base_log_probability, alone);
}

TEST_P(HeadLevels, PairsHaveTheSameBitsForAnyBatchAndThreads) {
  std::vector<std::int32_t> picked(150), targets(150);  // more rows than are handled at once
  for (std::size_t i = 0; i < picked.size(); ++i) {
    picked[i] = static_cast<std::int32_t>(i * 7 % 6);
    targets[i] = static_cast<std::int32_t>(i * 31 % vocabulary);
  }
  const PairScene first(GetParam(), 1, 0.3F);
  const auto whole = first.compare(first.base(picked), first.other(picked), targets);
  for (const int threads : {2, 5}) {
    const PairScene scene(GetParam(), threads, 0.3F);
    for (std::size_t i = 0; i < picked.size(); i += 29) {
      const auto row = std::span<const std::int32_t>(picked).subspan(i, 1);
      const auto alone = scene.compare(scene.base(row), scene.other(row), std::span(targets).subspan(i, 1)).front();
      EXPECT_EQ(alone.divergence, whole[i].divergence);
      EXPECT_EQ(alone.base_log_probability, whole[i].base_log_probability);
      EXPECT_EQ(alone.log_probability, whole[i].log_probability);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, HeadLevels, ::testing::ValuesIn(levels()));

TEST(CpuHead, LowestIdWinsATieAndItsMarginIsZero) {
  const auto backend = create_cpu("auto", 3);
  const auto norm_weight = create_weight(*backend, {1, 1}, 1, 2, dense_format(DataType::fp32));
  std::vector<float> values(400, 0.5F);
  for (const std::size_t best : {250U, 251U, 320U, 321U}) values[best] = 2.0F;
  const auto weight = create_weight(*backend, values, 200, 2, dense_format(DataType::fp32));
  const auto hidden = create_filled(*backend, {1.0F, 1.0F}, 1);
  Linear head;
  head.weight = weight.get();
  const std::int32_t row = 0;
  TopToken top;
  ASSERT_TRUE(backend->head_top(*hidden, {&row, 1}, {norm_weight.get(), 0.0F}, head, {&top, 1}).has_value());
  EXPECT_EQ(top.id, 125);
  EXPECT_EQ(top.margin, 0.0F);
}

TEST(CpuHead, NanLogitsAreAnErrorNotAToken) {
  const auto backend = create_cpu();
  const auto norm_weight = create_weight(*backend, {1, 1}, 1, 2, dense_format(DataType::fp32));
  const auto weight = create_weight(*backend, std::vector<float>(20, 1.0F), 10, 2, dense_format(DataType::fp32));
  const auto hidden = create_filled(*backend, {std::numeric_limits<float>::quiet_NaN(), 1.0F}, 1);
  Linear head;
  head.weight = weight.get();
  const std::int32_t row = 0;
  TopToken top;
  EXPECT_FALSE(backend->head_top(*hidden, {&row, 1}, {norm_weight.get(), 1e-5F}, head, {&top, 1}).has_value());
}

TEST(CpuHead, PairsThatCannotBeAreRefused) {
  const PairScene scene("auto", 1, 0.1F);
  const std::vector<std::int32_t> row = {0};
  const std::vector<std::int32_t> target = {1};
  std::vector<HeadPair> pairs(1);
  Backend& backend = *scene.scene.backend;
  const auto small = create_weight(backend, random_values(10 * columns, 1), 10, columns, dense_format(DataType::fp32));
  HeadRows other_vocabulary = scene.other(row);
  other_vocabulary.head.weight = small.get();
  EXPECT_FALSE(backend.head_pair(scene.base(row), other_vocabulary, target, pairs));
  const std::vector<std::int32_t> outside = {1003};
  EXPECT_FALSE(backend.head_pair(scene.base(row), scene.other(row), outside, pairs));
  EXPECT_FALSE(backend.head_pair(scene.base(outside), scene.other(row), target, pairs));
  std::vector<float> bad = random_values(6 * columns, 42);
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  const auto hidden = create_filled(backend, bad, 6);
  HeadRows not_finite = scene.other(row);
  not_finite.hidden = hidden.get();
  EXPECT_FALSE(backend.head_pair(scene.base(row), not_finite, target, pairs));
}

TEST(CpuHead, RefusesTargetsAndRowsOutOfRange) {
  const CpuHeadScene scene("auto", 1);
  double result = 0;
  for (const auto& [row, target] : {std::pair{0, 1003}, std::pair{0, -1}, std::pair{6, 0}, std::pair{-1, 0}}) {
    const std::int32_t picked = row;
    const std::int32_t wanted = target;
    EXPECT_FALSE(
        scene.backend
            ->head_log_probabilities(*scene.hidden, {&picked, 1}, scene.norm, scene.head, {&wanted, 1}, {&result, 1})
            .has_value());
  }
}

}  // namespace
}  // namespace quantscope::testing
