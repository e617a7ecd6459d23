// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/tensor_statistics.h"

namespace quantscope {

/// How far one tensor is from another, added up in float64 over tiles of any size.
class TensorErrorSums {
 public:
  /// Precondition: both have the same length.
  void add(std::span<const float> source, std::span<const float> decoded);
  /// All figures are NaN when an error is.
  QuantizationError summary() const;

 private:
  double error_squares_ = 0;
  double source_squares_ = 0;
  double decoded_squares_ = 0;
  double products_ = 0;
  double absolute_ = 0;
  double largest_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace quantscope
