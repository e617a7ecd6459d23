// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cpu/linear.h"

namespace quantscope {

/// Rows of activations as LLM.int8() multiplies them (Dettmers et al., 2022; bitsandbytes autograd/_functions.py,
/// MatMul8bitLt): cast to fp16 and coded in 8 bits with one scale per row, elements of outlier columns apart.
class Int8Input {
 public:
  struct Outlier {
    std::int32_t column;
    float value;  // rounded to the compute type
  };
  struct Row {
    float absmax = 0.0F;
    std::vector<Outlier> outliers;  // by column
  };

  /// `codes` is [rows, padded columns]; the workers' factors must be there (linear_scratch.h).
  static Result<std::shared_ptr<const Int8Input>> encode(CpuContext& context, const Linear& linear, const float* input,
                                                         std::int64_t rows, std::int16_t* codes);
  const Row& row(std::int64_t index) const { return rows_[static_cast<std::size_t>(index)]; }
  const std::int16_t* codes(std::int64_t row) const { return codes_ + row * padded_; }
  std::int64_t padded() const { return padded_; }

 private:
  Int8Input() = default;
  /// `halves` is scratch for the row rounded to fp16.
  void encode_row(const CpuContext& context, const Linear& linear, const float* input, std::int64_t row,
                  const std::vector<bool>* shared_columns, float* halves);

  std::vector<Row> rows_;
  std::int16_t* codes_ = nullptr;
  std::int64_t padded_ = 0;
};

/// Products of such rows with INT8 weights; columns with outliers are multiplied in the compute type.
class Int8Linear final : public PreparedLinear {
 public:
  /// Scratch of the workers must be there.
  Int8Linear(CpuContext& context, const Linear& linear, std::shared_ptr<const Int8Input> input, WorkerScratch panel);
  void begin_tile(std::int64_t first, std::int64_t count, int worker) override;
  void multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride, int worker) override;

 private:
  struct Tile {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  void add_outliers(const Int8Input::Row& row, const Tile& tile, float* products) const;

  CpuContext& context_;
  const Linear& linear_;
  const CpuWeight& weight_;
  std::shared_ptr<const Int8Input> input_;
  WorkerScratch panel_;
  std::vector<Tile> tiles_;  // per worker
};

/// Fails with invalid_argument unless the weight has one scale per row.
Result<void> check_int8(const Linear& linear);

}  // namespace quantscope
