// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/quantize/quantize_tensor.h"
#include "kernels/cpu/cpu_backend.h"

namespace quantscope {
namespace {

/// A checkpoint of one dense tensor in memory.
class OneTensor final : public Checkpoint {
 public:
  OneTensor(std::vector<float> values, std::int64_t rows) : values_(std::move(values)) {
    info_.name = "weight";
    info_.shape = {rows, static_cast<std::int64_t>(values_.size()) / rows};
  }

  const ModelDescription& model() const override { return model_; }
  std::span<const TensorInfo> tensors() const override { return {&info_, 1}; }
  std::span<const std::filesystem::path> files() const override { return {}; }
  const TokenizerSource& tokenizer() const override { return tokenizer_; }
  Result<void> decode_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                           std::span<float> values) const override {
    if (fails_from_row >= 0 && first_row + row_count > fails_from_row)
      return fail(ErrorCode::corrupt_file, "The file was cut.", "model.safetensors");
    std::copy_n(values_.begin() + first_row * tensor.columns(), row_count * tensor.columns(), values.begin());
    return {};
  }
  Result<std::string> fingerprint() const override { return std::string(32, '0'); }

  std::int64_t fails_from_row = -1;

 private:
  std::vector<float> values_;
  TensorInfo info_;
  ModelDescription model_;
  TokenizerSource tokenizer_;
};

std::vector<float> gaussian(std::size_t count) {
  std::mt19937 generator(11);
  std::normal_distribution<float> normal(0.0F, 0.02F);
  std::vector<float> values(count);
  std::ranges::generate(values, [&] { return normal(generator); });
  return values;
}

class QuantizationErrorTest : public ::testing::Test {
 protected:
  Result<QuantizationError> measure(const Checkpoint& checkpoint, const WeightFormat& format) {
    const TensorInfo& tensor = checkpoint.tensors().front();
    weight_ =
        backend_->quantize(source_rows(checkpoint, tensor), tensor.rows(), tensor.columns(), format, MemoryTag::codes)
            .value();
    return quantization_error(checkpoint, tensor, *backend_, *weight_);
  }

  std::unique_ptr<Backend> backend_ = create_cpu_backend({}).value();
  std::unique_ptr<Weight> weight_;
};

TEST_F(QuantizationErrorTest, IsZeroForAnExactFormat) {
  const OneTensor checkpoint(gaussian(96 * 80), 96);
  const auto error = measure(checkpoint, dense_format(DataType::fp32)).value();
  EXPECT_EQ(error.relative_error, 0);
  EXPECT_EQ(error.sqnr_db, std::numeric_limits<double>::infinity());
  EXPECT_NEAR(error.cosine, 1, 1e-12);
  EXPECT_EQ(error.max_absolute, 0);
}

TEST_F(QuantizationErrorTest, KnownErrorOfOneValue) {
  // 3 and 4 are exact in BF16; 257 becomes 256.
  const OneTensor checkpoint({3.0F, 4.0F, 257.0F, 0.0F}, 1);
  const auto error = measure(checkpoint, dense_format(DataType::bf16)).value();
  const double norm = std::sqrt(9.0 + 16.0 + 257.0 * 257.0);
  EXPECT_DOUBLE_EQ(error.relative_error, 1 / norm);
  EXPECT_DOUBLE_EQ(error.sqnr_db, 20 * std::log10(norm));
  EXPECT_DOUBLE_EQ(error.max_absolute, 1);
  EXPECT_DOUBLE_EQ(error.mean_absolute, 0.25);
  EXPECT_NEAR(error.cosine, (25 + 257.0 * 256) / (norm * std::sqrt(25 + 256.0 * 256)), 1e-14);
}

TEST_F(QuantizationErrorTest, OrdersTheFormatsOfGaussianWeights) {
  const OneTensor checkpoint(gaussian(1200 * 1000), 1200);  // more than one tile
  const double int8 = measure(checkpoint, int8_row_format()).value().relative_error;
  const double nf4 = measure(checkpoint, block_format(DataType::nf4, 64, false)).value().relative_error;
  const double nested = measure(checkpoint, block_format(DataType::nf4, 64, true)).value().relative_error;
  const double int4 = measure(checkpoint, block_format(DataType::int4, 64, false)).value().relative_error;
  const double fp4 = measure(checkpoint, block_format(DataType::fp4, 64, false)).value().relative_error;
  EXPECT_LT(int8, 0.02);
  EXPECT_NEAR(nf4, 0.0912, 0.001);
  EXPECT_NEAR(nested, nf4, 0.001);
  EXPECT_GT(int4, nf4);
  EXPECT_GT(fp4, int4);
}

TEST_F(QuantizationErrorTest, AllZeroTensorsAreExact) {
  const OneTensor checkpoint(std::vector<float>(256), 4);
  const auto error = measure(checkpoint, block_format(DataType::nf4, 64, false)).value();
  EXPECT_EQ(error.relative_error, 0);
  EXPECT_EQ(error.cosine, 1);
}

TEST_F(QuantizationErrorTest, IsUnknownWhereTheSourceIsNotANumber) {
  const OneTensor checkpoint({1.0F, std::numeric_limits<float>::quiet_NaN()}, 1);
  EXPECT_TRUE(std::isnan(measure(checkpoint, dense_format(DataType::fp32)).value().relative_error));
}

TEST_F(QuantizationErrorTest, RefusesAnotherShapeAndPassesOnReadErrors) {
  OneTensor checkpoint(gaussian(64 * 64), 64);
  ASSERT_TRUE(measure(checkpoint, dense_format(DataType::fp16)).has_value());
  const OneTensor other(gaussian(32 * 64), 32);
  const auto mismatch = quantization_error(other, other.tensors().front(), *backend_, *weight_);
  ASSERT_FALSE(mismatch.has_value());
  EXPECT_EQ(mismatch.error().code, ErrorCode::invalid_argument);
  checkpoint.fails_from_row = 10;
  const auto cut = quantization_error(checkpoint, checkpoint.tensors().front(), *backend_, *weight_);
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().where, "model.safetensors");
}

TEST_F(QuantizationErrorTest, DoesNotDisturbTheDevicesMeasurement) {
  const OneTensor checkpoint(gaussian(64 * 64), 64);
  ASSERT_TRUE(measure(checkpoint, dense_format(DataType::fp16)).has_value());
  backend_->ledger().reset_peak();
  const auto before = backend_->ledger().peak()[MemoryTag::codes];
  ASSERT_TRUE(quantization_error(checkpoint, checkpoint.tensors().front(), *backend_, *weight_).has_value());
  EXPECT_EQ(backend_->ledger().peak()[MemoryTag::codes], before);
}

}  // namespace
}  // namespace quantscope
