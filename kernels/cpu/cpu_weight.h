// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cpu/simd_kernels.h"

namespace quantscope {

/// A matrix in the memory of the CPU device: the tensor itself, and how kernels read it.
class CpuWeight final : public Weight {
 public:
  explicit CpuWeight(QuantizedTensor tensor);

  const QuantizedTensor& tensor() const { return tensor_; }
  WeightKind kind() const { return kind_; }

  /// Floats of scratch that view() needs for `row_count` rows.
  std::int64_t scratch_size(std::int64_t row_count) const;

  /// Rows as kernels take them: `count` rows that start at `first` in `rows`.
  struct View {
    WeightRows rows;
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  /// Rows [first_row, first_row + row_count). Formats without a kernel of their own are decoded into `scratch` here, as
  /// are the block factors of those that do not store them plainly.
  View view(std::int64_t first_row, std::int64_t row_count, float* scratch) const;
  /// Decoded fp32 values of these rows, not rounded to a compute type.
  void decode(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const;

 private:
  /// How rows get in front of a kernel.
  enum class Access : std::uint8_t { stored, factors, decoded };

  std::int64_t first_block(std::int64_t row) const { return (row * columns) >> block_shift_; }
  std::int64_t block_after(std::int64_t row) const {
    return (row * columns - 1 + (1LL << block_shift_)) >> block_shift_;
  }
  void decode_factors(std::int64_t begin, std::int64_t end, float* factors) const;

  QuantizedTensor tensor_;
  WeightKind kind_ = WeightKind::float32;
  Access access_ = Access::stored;
  int block_shift_ = 0;
  float levels_[16] = {};
};

/// Precondition: the weight was made by this device.
inline const CpuWeight& as_cpu(const Weight& weight) { return static_cast<const CpuWeight&>(weight); }

}  // namespace quantscope
