// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <thread>

#include "kernels/cpu/reference/statistics.h"
#include "kernels/cpu/tensor_statistics.h"

namespace quantscope {
namespace {

const ParallelFor in_order = [](std::int64_t count, const std::function<void(std::int64_t)>& body) {
  for (std::int64_t i = 0; i < count; ++i) body(i);
};

const ParallelFor backwards_in_threads = [](std::int64_t count, const std::function<void(std::int64_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::int64_t i = count; i-- > 0;) threads.emplace_back([&body, i] { body(i); });
};

/// A reader that counts how many rows were read.
struct Source {
  const std::vector<float>& values;
  std::int64_t columns;
  std::int64_t rows_read = 0;

  RowReader reader() {
    return [this](std::int64_t first_row, std::int64_t rows, std::span<float> target) -> Result<void> {
      rows_read += rows;
      std::memcpy(target.data(), values.data() + first_row * columns, static_cast<std::size_t>(4 * rows * columns));
      return {};
    };
  }
};

TensorStatistics compute(const std::vector<float>& values, std::int64_t rows, HistogramBins bins,
                         const ParallelFor& parallel_for = in_order) {
  MemoryLedger ledger;
  const auto columns = static_cast<std::int64_t>(values.size()) / rows;
  Source source{values, columns};
  auto result = tensor_statistics(source.reader(), rows, columns, bins, ledger, parallel_for, {});
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(ledger.current().total(), 0);
  EXPECT_LE(ledger.peak()[MemoryTag::workspace], std::int64_t{16} << 20);
  return *result;
}

void expect_close(double value, double expected) {
  EXPECT_NEAR(value, expected, 1e-9 * std::max(1.0, std::abs(expected)));
}

void expect_same(const TensorStatistics& fast, const TensorStatistics& plain) {
  EXPECT_EQ(fast.count, plain.count);
  EXPECT_EQ(fast.not_finite, plain.not_finite);
  EXPECT_EQ(fast.zeros, plain.zeros);
  EXPECT_EQ(fast.outliers, plain.outliers);
  EXPECT_EQ(fast.minimum, plain.minimum);
  EXPECT_EQ(fast.maximum, plain.maximum);
  expect_close(fast.mean, plain.mean);
  expect_close(fast.standard_deviation, plain.standard_deviation);
  expect_close(fast.skewness, plain.skewness);
  expect_close(fast.excess_kurtosis, plain.excess_kurtosis);
  EXPECT_EQ(fast.histogram.bins, plain.histogram.bins);
  EXPECT_EQ(fast.histogram.counts, plain.histogram.counts);
}

std::vector<float> skewed(std::size_t count, float shift) {
  std::mt19937 generator(7);
  std::gamma_distribution<float> gamma(1.5F, 0.1F);
  std::vector<float> values(count);
  for (float& value : values) value = gamma(generator) + shift;
  return values;
}

TEST(Statistics, AgreeWithThePlainLoops) {
  for (const std::int64_t rows : {1, 7, 500}) {
    for (const float shift : {0.0F, -100.0F}) {
      const auto values = skewed(static_cast<std::size_t>(rows) * 577, shift);
      for (const HistogramBins bins : {HistogramBins::bfloat16, HistogramBins::float16})
        expect_same(compute(values, rows, bins), reference::statistics(values, bins));
    }
  }
}

TEST(Statistics, CountZerosAndValuesThatAreNotFinite) {
  auto values = skewed(1000, 0.0F);
  values[0] = std::numeric_limits<float>::quiet_NaN();
  values[500] = std::numeric_limits<float>::infinity();
  values[999] = -std::numeric_limits<float>::infinity();
  values[1] = 0.0F;
  values[2] = -0.0F;
  const TensorStatistics result = compute(values, 10, HistogramBins::bfloat16);
  expect_same(result, reference::statistics(values, HistogramBins::bfloat16));
  EXPECT_EQ(result.not_finite, 3);
  EXPECT_EQ(result.zeros, 2);
  EXPECT_TRUE(std::isfinite(result.maximum));
}

TEST(Statistics, KnownDistributionOfTwoValues) {
  std::vector<float> values(4096, -1.0F);
  std::fill(values.begin() + 1024, values.end(), 3.0F);
  const TensorStatistics result = compute(values, 64, HistogramBins::float16);
  EXPECT_EQ(result.mean, 2.0);
  EXPECT_DOUBLE_EQ(result.standard_deviation, std::sqrt(3.0));
  EXPECT_NEAR(result.skewness, -2 / std::sqrt(3.0), 1e-12);
  EXPECT_NEAR(result.excess_kurtosis, 7.0 / 3 - 3, 1e-12);
  EXPECT_EQ(result.histogram.counts[fp32_to_fp16(-1.0F)], 1024U);
  EXPECT_EQ(result.histogram.counts[fp32_to_fp16(3.0F)], 3072U);
}

TEST(Statistics, ConstantAndNotFiniteTensorsHaveNoShape) {
  const TensorStatistics constant = compute(std::vector<float>(3000, 0.1F), 3, HistogramBins::bfloat16);
  EXPECT_EQ(constant.standard_deviation, 0);
  EXPECT_EQ(constant.excess_kurtosis, 0);
  EXPECT_EQ(constant.outliers, 0);
  const TensorStatistics nothing =
      compute(std::vector<float>(30, std::numeric_limits<float>::quiet_NaN()), 3, HistogramBins::bfloat16);
  EXPECT_EQ(nothing.not_finite, 30);
  EXPECT_EQ(nothing.minimum, 0);
  EXPECT_EQ(nothing.mean, 0);
}

TEST(Statistics, OutliersAreBeyondSixStandardDeviations) {
  auto values = skewed(100000, 0.0F);
  values[5] = 50.0F;
  values[99999] = -50.0F;
  const TensorStatistics result = compute(values, 100, HistogramBins::bfloat16);
  EXPECT_EQ(result.outliers, reference::statistics(values, HistogramBins::bfloat16).outliers);
  EXPECT_GE(result.outliers, 2);
}

TEST(Statistics, ReadTheTensorOnceWhereNothingCanBeAnOutlier) {
  std::vector<float> values(20000);
  std::iota(values.begin(), values.end(), -1000.0F);
  MemoryLedger ledger;
  Source source{values, 100};
  const auto result = tensor_statistics(source.reader(), 200, 100, HistogramBins::bfloat16, ledger, in_order, {});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(source.rows_read, 200);
  EXPECT_EQ(result->outliers, 0);
}

TEST(Statistics, DoNotDependOnTheOrderOfThreads) {
  const auto values = skewed(1500 * 1000, 5.0F);  // more than one tile
  const TensorStatistics one = compute(values, 1500, HistogramBins::bfloat16);
  ParallelFor eight = [](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    if (count > 8) return in_order(count, body);
    backwards_in_threads(count, body);
  };
  const TensorStatistics other = compute(values, 1500, HistogramBins::bfloat16, eight);
  EXPECT_EQ(one.mean, other.mean);
  EXPECT_EQ(one.excess_kurtosis, other.excess_kurtosis);
  EXPECT_EQ(one.histogram.counts, other.histogram.counts);
}

TEST(Statistics, StopWhenAsked) {
  const std::vector<float> values(100);
  MemoryLedger ledger;
  Source source{values, 10};
  std::stop_source stop;
  stop.request_stop();
  const auto result =
      tensor_statistics(source.reader(), 10, 10, HistogramBins::bfloat16, ledger, in_order, stop.get_token());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::cancelled);
}

TEST(Histogram, BinsOfSixteenBitTypesHoldTheirOwnValues) {
  EXPECT_EQ(histogram_bin(HistogramBins::bfloat16, 1.99F), histogram_bin(HistogramBins::bfloat16, 1.985F));
  for (const HistogramBins bins : {HistogramBins::bfloat16, HistogramBins::float16}) {
    for (const float value : {0.0F, -0.5F, 1.0F, -192.0F})
      EXPECT_EQ(histogram_value(bins, histogram_bin(bins, value)), value);
  }
}

}  // namespace
}  // namespace quantscope
