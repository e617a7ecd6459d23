// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/linear.h"

namespace quantscope {

/// Packs `input` [rows, columns] into `packed`.
Result<void> pack_rows(CpuContext& context, const LinearKernel& kernel, const float* input, std::int64_t rows,
                       std::int64_t columns, std::byte* packed);

/// `rows` packed rows times the weight, products of values rounded to the compute type.
class RoundedLinear final : public PreparedLinear {
 public:
  /// Scratch of the workers must be there (linear_scratch.h).
  RoundedLinear(CpuContext& context, const Linear& linear, const LinearKernel& kernel, const std::byte* packed,
                std::int64_t rows, WorkerScratch panel);
  void begin_tile(std::int64_t first, std::int64_t count, int worker) override;
  void multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride, int worker) override;

 private:
  CpuContext& context_;
  const CpuWeight& weight_;
  const LinearKernel& kernel_;
  const std::byte* packed_;
  WorkerScratch panel_;
  std::int64_t padded_;
  bool single_row_;
  std::vector<CpuWeight::View> views_;  // per worker: the tile at hand
};

}  // namespace quantscope
