// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cpu/linear.h"

namespace quantscope {

/// LLM.int8() (Dettmers et al., 2022; bitsandbytes autograd/_functions.py, MatMul8bitLt): activations are cast to fp16
/// and coded in 8 bits with one scale per row, columns with outliers are multiplied in the compute type.
class Int8Linear final : public PreparedLinear {
 public:
  /// Fails with invalid_argument unless the weight has one scale per row.
  static Result<std::unique_ptr<PreparedLinear>> create(CpuContext& context, const Linear& linear, const float* input,
                                                        std::int64_t rows, Scratch WorkerScratch::*panel);
  void begin_tile(std::int64_t first, std::int64_t count, int worker) override;
  void multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride, int worker) override;

 private:
  struct Outlier {
    std::int32_t column;
    float value;  // rounded to the compute type
  };
  struct Row {
    float absmax = 0.0F;
    std::vector<Outlier> outliers;  // by column
  };
  struct Tile {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };

  Int8Linear() = default;
  Result<void> reserve(std::int64_t rows, std::int64_t columns);
  /// `halves` is scratch for the row rounded to fp16.
  void encode_row(const float* input, std::int64_t row, const std::vector<bool>* shared_columns, float* halves);
  void add_outliers(const Row& row, const Tile& tile, float* products) const;

  CpuContext* context_ = nullptr;
  const Linear* linear_ = nullptr;
  const CpuWeight* weight_ = nullptr;
  Scratch WorkerScratch::*panel_ = nullptr;
  Scratch codes_;  // int16 [rows, padded_]
  std::int64_t padded_ = 0;
  std::vector<Row> rows_;
  std::vector<Tile> tiles_;  // per worker
};

}  // namespace quantscope
