// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cpu/simd_kernels.h"

namespace quantscope {

/// How rows of a format get in front of a kernel; follows from format and width alone.
struct WeightAccess {
  enum class Way : std::uint8_t { stored, factors, decoded };

  WeightAccess(const WeightFormat& format, std::int64_t columns);
  /// Floats of scratch for `row_count` rows: their block factors or decoded values, where kernels do not read those.
  std::int64_t scratch_size(std::int64_t row_count) const;

  std::int64_t columns = 0;
  WeightKind kind = WeightKind::float32;
  Way way = Way::stored;
  int block_shift = 0;  ///< nibbles: log2 of the block size
};

/// A matrix in the memory of the CPU device: the tensor itself, and how kernels read it.
class CpuWeight final : public Weight {
 public:
  explicit CpuWeight(QuantizedTensor tensor);

  const QuantizedTensor& tensor() const { return tensor_; }
  const WeightAccess& access() const { return access_; }
  WeightKind kind() const { return access_.kind; }

  /// Rows as kernels take them: `count` rows that start at `first` in `rows`.
  struct View {
    WeightRows rows;
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  /// Rows [first_row, first_row + row_count). Formats without a kernel of their own are decoded into `scratch` here, as
  /// are the block factors of those that do not store them plainly; it holds access().scratch_size(row_count) floats.
  View view(std::int64_t first_row, std::int64_t row_count, float* scratch) const;
  /// Decoded fp32 values of these rows, not rounded to a compute type.
  void decode(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const;

 private:
  std::int64_t first_block(std::int64_t row) const { return (row * columns) >> access_.block_shift; }
  std::int64_t block_after(std::int64_t row) const {
    return (row * columns - 1 + (1LL << access_.block_shift)) >> access_.block_shift;
  }
  void decode_factors(std::int64_t begin, std::int64_t end, float* factors) const;

  QuantizedTensor tensor_;
  WeightAccess access_;
  float levels_[16] = {};
};

/// Precondition: the weight was made by this device.
inline const CpuWeight& as_cpu(const Weight& weight) { return static_cast<const CpuWeight&>(weight); }

}  // namespace quantscope
