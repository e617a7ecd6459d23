// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/linear_kernels.h"

namespace quantscope::cuda {

/// Runs linears of both kinds: input rounded to the compute type, and LLM.int8(). prepare() makes one input ready for
/// one linear; multiply() may then be called for several ranges of its outputs.
class LinearRunner {
 public:
  /// Launches are cut to about `products_per_launch`, as the stop token is looked at between them; the default takes a
  /// few milliseconds on slow GPUs.
  explicit LinearRunner(Device& device, std::int64_t products_per_launch = std::int64_t{1} << 32)
      : device_(device), products_per_launch_(products_per_launch) {}

  /// `input` [rows, columns] is device memory and must stay as it is until the last multiply(). Fails with
  /// invalid_argument or unsupported when the weight does not fit the activation mode.
  Result<void> prepare(const float* input, std::int64_t rows, const Linear& linear);
  /// Products with the bias, finished when this returns. Fails with cancelled between launches.
  Result<void> multiply(const ProductTarget& target);

 private:
  Result<void> prepare_int8(const float* input, std::int64_t rows, const Linear& linear);
  Result<void> multiply_rows(const ProductTarget& target, std::int64_t first, std::int64_t count);

  Device& device_;
  std::int64_t products_per_launch_;
  ProductArguments product_;
  bool int8_ = false;
  Int8Rows int8_rows_;
  DeviceScratch rounded_, codes_, outliers_, absmax_, columns_;
};

}  // namespace quantscope::cuda
