// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/linear.h"

namespace quantscope {

/// The kernel for a weight at a compute type.
const LinearKernel& kernel_for(const CpuContext& context, const Linear& linear);

/// Length of a packed row.
inline std::int64_t padded_columns(const LinearKernel& kernel, std::int64_t columns) {
  return (columns + kernel.step - 1) / kernel.step * kernel.step;
}

/// Packs `input` [rows, columns] into `packed`.
Result<void> pack_rows(CpuContext& context, const LinearKernel& kernel, const float* input, std::int64_t rows,
                       std::int64_t columns, std::byte* packed);

/// `rows` packed rows times the weight, products of values rounded to the compute type.
class RoundedLinear final : public PreparedLinear {
 public:
  static Result<std::unique_ptr<PreparedLinear>> create(CpuContext& context, const Linear& linear,
                                                        const std::byte* packed, std::int64_t rows,
                                                        Scratch WorkerScratch::*panel);
  void begin_tile(std::int64_t first, std::int64_t count, int worker) override;
  void multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride, int worker) override;

 private:
  RoundedLinear() = default;

  CpuContext* context_ = nullptr;
  const CpuWeight* weight_ = nullptr;
  const LinearKernel* kernel_ = nullptr;
  const std::byte* packed_ = nullptr;
  Scratch WorkerScratch::*panel_ = nullptr;
  std::int64_t padded_ = 0;
  bool single_row_ = false;
  std::vector<CpuWeight::View> views_;  // per worker: the tile at hand
};

}  // namespace quantscope
