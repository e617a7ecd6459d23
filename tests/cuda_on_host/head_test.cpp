// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <limits>

#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/head_scene.h"

namespace quantscope::testing {
namespace {
constexpr std::int64_t columns = 8;
constexpr std::int64_t vocabulary = 8500;  // more than one tile of logits, and a part that is not full

class CudaHead : public GpuTest, protected HeadScene {
 protected:
  CudaHead() : HeadScene(create_gpu(), columns, vocabulary) {}
};

TEST_F(CudaHead, AgreesWithTheReference) { expect_head_of_the_reference(*this, {0, 8499, 8192}); }

TEST_F(CudaHead, LogProbabilitiesAreThoseOfTheLogits) {
  const std::int32_t targets[] = {0, 255, 256, 8191, 8192, 8499};
  expect_log_probabilities_of_the_logits(*this, targets, 1e-9);
}

TEST_F(CudaHead, DoesNotDependOnBatching) {
  const std::vector<std::int32_t> rows = {0, 1, 2, 3, 4, 5};
  const std::vector<std::int32_t> targets = {7, 600, 2, 3, 8400, 1};
  const auto whole = log_probabilities(rows, targets);
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(log_probabilities({&rows[i], 1}, {&targets[i], 1}).front(), whole[i]);
}

TEST_F(CudaHead, TakesMoreRowsThanItHandlesAtOnce) {
  const auto small = create_weight(*backend, random_values(9 * columns, 43), 9, columns, dense_format(DataType::fp32));
  head.weight = small.get();
  std::vector<std::int32_t> picked(300);
  for (std::size_t i = 0; i < picked.size(); ++i) picked[i] = static_cast<std::int32_t>(i % 5);
  std::vector<float> logits(picked.size() * 9);
  std::vector<TopToken> top(picked.size());
  std::vector<double> log_probabilities(picked.size());
  const std::vector<std::int32_t> targets(picked.size(), 4);
  ASSERT_TRUE(backend->head_logits(*hidden, picked, norm, head, logits).has_value());
  ASSERT_TRUE(backend->head_top(*hidden, picked, norm, head, top).has_value());
  ASSERT_TRUE(backend->head_log_probabilities(*hidden, picked, norm, head, targets, log_probabilities).has_value());
  for (std::size_t i = 5; i < picked.size(); ++i) {
    EXPECT_TRUE(std::equal(logits.begin() + static_cast<std::ptrdiff_t>(i * 9),
                           logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * 9),
                           logits.begin() + static_cast<std::ptrdiff_t>(i % 5 * 9)));
    EXPECT_EQ(top[i].id, top[i % 5].id);
    EXPECT_EQ(log_probabilities[i], log_probabilities[i % 5]);
  }
}

TEST_F(CudaHead, RefusesTargetsAndRowsOutOfRange) {
  double result = 0;
  for (const auto& [row, target] : {std::pair{0, 8500}, std::pair{0, -1}, std::pair{6, 0}, std::pair{-1, 0}}) {
    const std::int32_t picked = row;
    const std::int32_t wanted = target;
    EXPECT_FALSE(
        backend->head_log_probabilities(*hidden, {&picked, 1}, norm, head, {&wanted, 1}, {&result, 1}).has_value());
  }
}

TEST_F(CudaHead, PairsAreThoseOfTheLogits) {
  std::vector<float> states = random_values(6 * columns, 42);
  const std::vector<float> moves = random_values(6 * columns, 44, 0.3F);
  for (std::size_t i = 0; i < states.size(); ++i) states[i] += moves[i];
  const auto moved = create_filled(*backend, states, 6);
  const std::vector<std::int32_t> picked = {5, 0, 3}, other_picked = {4, 1, 3};
  const std::vector<std::int32_t> targets = {0, 8499, 8192};
  const HeadRows base{hidden.get(), picked, norm, head}, other{moved.get(), other_picked, norm, head};
  std::vector<float> base_logits(picked.size() * vocabulary), other_logits(base_logits.size());
  ASSERT_TRUE(backend->head_logits(*hidden, picked, norm, head, base_logits).has_value());
  ASSERT_TRUE(backend->head_logits(*moved, other_picked, norm, head, other_logits).has_value());
  const std::vector<double> wide(base_logits.begin(), base_logits.end());
  const std::vector<double> other_wide(other_logits.begin(), other_logits.end());
  std::vector<HeadPair> pairs(picked.size());
  ASSERT_TRUE(backend->head_pair(base, other, targets, pairs).has_value());
  int same_tops = 0;
  for (std::size_t i = 0; i < picked.size(); ++i) {
    const auto expected =
        reference::compare_heads(std::span(wide).subspan(i * vocabulary, vocabulary),
                                 std::span(other_wide).subspan(i * vocabulary, vocabulary), targets[i]);
    EXPECT_NEAR(pairs[i].base_log_probability, expected.base_log_probability, 1e-9);
    EXPECT_NEAR(pairs[i].log_probability, expected.log_probability, 1e-9);
    EXPECT_NEAR(pairs[i].divergence, expected.divergence, 1e-9);
    EXPECT_GT(pairs[i].divergence, 1e-4);
    EXPECT_EQ(pairs[i].same_top, expected.same_top);
    same_tops += pairs[i].same_top ? 1 : 0;
  }
  EXPECT_LT(same_tops, 3);
  ASSERT_TRUE(backend->head_pair(base, base, targets, pairs).has_value());
  for (const HeadPair& pair : pairs) EXPECT_EQ(pair.divergence, 0.0);
}

TEST_F(CudaHead, PairsOfNanAreAnError) {
  std::vector<float> states = random_values(6 * columns, 42);
  states[1] = std::numeric_limits<float>::quiet_NaN();
  const auto bad = create_filled(*backend, states, 6);
  const auto small = create_weight(*backend, random_values(9 * columns, 43), 9, columns, dense_format(DataType::fp32));
  head.weight = small.get();
  const std::vector<std::int32_t> picked = {0}, targets = {1};
  std::vector<HeadPair> pairs(1);
  EXPECT_FALSE(backend->head_pair({hidden.get(), picked, norm, head}, {bad.get(), picked, norm, head}, targets, pairs)
                   .has_value());
}

/// A head of `values` [rows, 2] over the hidden state (x, 1).
Result<TopToken> top_of(Backend& backend, const std::vector<float>& values, float x) {
  const auto norm_weight = create_weight(backend, {1, 1}, 1, 2, dense_format(DataType::fp32));
  const auto weight = create_weight(backend, values, std::ssize(values) / 2, 2, dense_format(DataType::fp32));
  const auto hidden = create_filled(backend, {x, 1.0F}, 1);
  Linear head;
  head.weight = weight.get();
  const std::int32_t row = 0;
  TopToken top;
  auto done = backend.head_top(*hidden, {&row, 1}, {norm_weight.get(), 1e-5F}, head, {&top, 1});
  if (!done) return tl::unexpected(done.error());
  return top;
}

TEST_F(CudaHead, LowestIdWinsATieAndItsMarginIsZero) {
  std::vector<float> values(2000, 0.5F);
  for (const std::size_t best : {250U, 251U, 1320U, 1321U}) values[best] = 2.0F;
  const auto top = top_of(*backend, values, 1.0F);
  ASSERT_TRUE(top.has_value());
  EXPECT_EQ(top->id, 125);
  EXPECT_EQ(top->margin, 0.0F);
}

TEST_F(CudaHead, NanLogitsAreAnErrorNotAToken) {
  EXPECT_FALSE(top_of(*backend, std::vector<float>(20, 1.0F), std::numeric_limits<float>::quiet_NaN()).has_value());
}

}  // namespace
}  // namespace quantscope::testing
