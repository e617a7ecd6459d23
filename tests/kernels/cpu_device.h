// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/formats/half.h"

/// What tests of the CPU device share.
namespace quantscope::testing {

inline std::vector<float> random_values(std::int64_t count, unsigned seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

inline std::unique_ptr<Backend> create_cpu(const std::string& simd = "auto", int threads = 1) {
  auto backend = create_cpu_backend({threads, simd});
  EXPECT_TRUE(backend.has_value());
  return std::move(*backend);
}

inline std::vector<std::string> levels() { return describe_cpu().dispatch_levels; }

/// Values of a matrix in any format, rounded to nearest.
inline std::unique_ptr<Weight> create_weight(Backend& backend, const std::vector<float>& values, std::int64_t rows,
                                             std::int64_t columns, const WeightFormat& format) {
  const RowReader reader = [&](std::int64_t first, std::int64_t count, std::span<float> out) -> Result<void> {
    std::copy_n(values.data() + first * columns, count * columns, out.data());
    return {};
  };
  auto weight = backend.quantize(reader, rows, columns, format, MemoryTag::codes);
  if (!weight) {
    ADD_FAILURE() << weight.error().message;
    return nullptr;
  }
  return std::move(*weight);
}

inline std::unique_ptr<Buffer> create_filled(Backend& backend, const std::vector<float>& values, std::int64_t rows) {
  auto buffer = backend.create_buffer(rows, std::ssize(values) / rows);
  EXPECT_TRUE(buffer.has_value());
  EXPECT_TRUE(backend.write(**buffer, rows, values).has_value());
  return std::move(*buffer);
}

inline std::vector<float> values_of(Backend& backend, const Buffer& buffer, std::int64_t rows) {
  std::vector<float> values(static_cast<std::size_t>(rows * buffer.columns));
  EXPECT_TRUE(backend.read(buffer, rows, values).has_value());
  return values;
}

/// Products of x [rows, columns] with a linear.
inline std::vector<float> multiply(Backend& backend, const Linear& linear, const std::vector<float>& x,
                                   std::int64_t rows) {
  const auto input = create_filled(backend, x, rows);
  const auto output =
      create_filled(backend, std::vector<float>(static_cast<std::size_t>(rows * linear.weight->rows)), rows);
  const auto done = backend.linear_add(*input, rows, linear, *output, nullptr);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return values_of(backend, *output, rows);
}

/// Expects |actual - expected| <= tolerance everywhere and reports the first place where it is not.
inline void expect_near(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                        const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(actual[i]), expected[i], tolerance) << what << " at " << i;
  }
}

}  // namespace quantscope::testing
