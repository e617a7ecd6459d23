// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/tensor_error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace quantscope {
namespace {

double ratio(double part, double whole) {
  if (whole > 0) return part / whole;
  return part == 0 ? 0 : std::numeric_limits<double>::infinity();
}

}  // namespace

void TensorErrorSums::add(std::span<const float> source, std::span<const float> decoded) {
  for (std::size_t i = 0; i < source.size(); ++i) {
    const auto x = static_cast<double>(source[i]), y = static_cast<double>(decoded[i]);
    const double error = std::abs(y - x);
    error_squares_ += error * error;
    source_squares_ += x * x;
    decoded_squares_ += y * y;
    products_ += x * y;
    absolute_ += error;
    largest_ = std::max(largest_, error);
  }
  count_ += static_cast<std::int64_t>(source.size());
}

QuantizationError TensorErrorSums::summary() const {
  QuantizationError result;
  if (std::isnan(error_squares_)) {
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    return {unknown, unknown, unknown, unknown, unknown};
  }
  result.relative_error = std::sqrt(ratio(error_squares_, source_squares_));
  result.sqnr_db =
      result.relative_error == 0 ? std::numeric_limits<double>::infinity() : -20 * std::log10(result.relative_error);
  const double norms = std::sqrt(source_squares_) * std::sqrt(decoded_squares_);
  const double cosine_without_direction = error_squares_ == 0 ? 1.0 : 0.0;
  result.cosine = norms > 0 ? products_ / norms : cosine_without_direction;
  result.max_absolute = largest_;
  result.mean_absolute = count_ == 0 ? 0 : absolute_ / static_cast<double>(count_);
  return result;
}

}  // namespace quantscope
