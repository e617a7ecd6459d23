// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

/// What tests of the head share.
namespace quantscope::testing {

/// A head over six hidden states, whose logits the reference computes.
class HeadScene {
 public:
  HeadScene(std::unique_ptr<Backend> device, std::int64_t columns, std::int64_t vocabulary)
      : backend(std::move(device)), columns_(columns) {
    norm_weight = create_weight(*backend, random_values(columns, 40), 1, columns, dense_format(DataType::fp32));
    weight = create_weight(*backend, random_values(vocabulary * columns, 41), vocabulary, columns,
                           dense_format(DataType::bf16));
    norm = {norm_weight.get(), 1e-5F};
    head.weight = weight.get();
    hidden = create_filled(*backend, random_values(6 * columns, 42), 6);
  }

  std::vector<double> expected_logits(std::int64_t row) const {
    const auto values = random_values(6 * columns_, 42);
    const auto weights = random_values(columns_, 40);
    const auto x =
        reference::rms_norm({values.data() + row * columns_, static_cast<std::size_t>(columns_)}, weights, 1e-5F);
    return reference::linear(std::vector<float>(x.begin(), x.end()), 1, *backend->download(*weight), ComputeType::fp32);
  }
  /// As the device computes them, of the rows `picked`.
  std::vector<float> logits(std::span<const std::int32_t> picked) const {
    std::vector<float> values(picked.size() * static_cast<std::size_t>(weight->rows));
    EXPECT_TRUE(backend->head_logits(*hidden, picked, norm, head, values).has_value());
    return values;
  }
  std::vector<double> log_probabilities(std::span<const std::int32_t> picked,
                                        std::span<const std::int32_t> targets) const {
    std::vector<double> values(picked.size());
    EXPECT_TRUE(backend->head_log_probabilities(*hidden, picked, norm, head, targets, values).has_value());
    return values;
  }

  std::unique_ptr<Backend> backend;
  std::unique_ptr<Weight> norm_weight, weight;
  std::unique_ptr<Buffer> hidden;
  Norm norm;
  Linear head;

 private:
  std::int64_t columns_;
};

/// Logits, best tokens and the log-probabilities of three targets.
inline void expect_head_of_the_reference(const HeadScene& scene, const std::vector<std::int32_t>& targets) {
  const std::vector<std::int32_t> picked = {5, 0, 3};
  const auto logits = scene.logits(picked);
  const auto log_probabilities = scene.log_probabilities(picked, targets);
  std::vector<TopToken> top(picked.size());
  ASSERT_TRUE(scene.backend->head_top(*scene.hidden, picked, scene.norm, scene.head, top).has_value());
  for (std::size_t i = 0; i < picked.size(); ++i) {
    const auto expected = scene.expected_logits(picked[i]);
    const auto best = reference::top_token(expected);
    const auto first = logits.begin() + std::ssize(expected) * static_cast<std::ptrdiff_t>(i);
    expect_near({first, first + std::ssize(expected)}, expected, 1e-4, "logits");
    EXPECT_EQ(top[i].id, best.id);
    EXPECT_NEAR(top[i].logit, best.logit, 1e-4);
    EXPECT_NEAR(top[i].margin, best.margin, 2e-4);
    EXPECT_NEAR(log_probabilities[i], reference::log_probability(expected, targets[i]), 1e-4);
  }
}

/// Log-probabilities of each target by itself.
inline void expect_log_probabilities_of_the_logits(const HeadScene& scene, std::span<const std::int32_t> targets,
                                                   double tolerance) {
  const std::int32_t row = 2;
  const auto logits = scene.logits({&row, 1});
  const std::vector<double> wide(logits.begin(), logits.end());
  for (const std::int32_t& target : targets) {
    EXPECT_NEAR(scene.log_probabilities({&row, 1}, {&target, 1}).front(), reference::log_probability(wide, target),
                tolerance);
  }
}

}  // namespace quantscope::testing
