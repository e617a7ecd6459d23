// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/linear_runner.h"

#include <algorithm>
#include <string>

#include "kernels/cuda/row_kernels.h"
#include "kernels/operation_checks.h"

namespace quantscope::cuda {
namespace {
Result<void> check_int8(const Weight& weight) {
  if (weight.format != int8_row_format()) {
    return fail(ErrorCode::invalid_argument, "LLM.int8() needs INT8 weights with one scale per row; choose int8.");
  }
  if (weight.columns > largest_int8_columns) {
    return fail(ErrorCode::unsupported, "LLM.int8() sums overflow at " + std::to_string(weight.columns) +
                                            " input features; choose another format for this weight.");
  }
  return {};
}
}  // namespace

Result<void> LinearRunner::prepare(const float* input, std::int64_t rows, const Linear& linear) {
  if (auto valid = check_bias(linear); !valid) return valid;
  int8_ = linear.activations == ActivationMode::int8_outliers;
  product_ = {};
  product_.input = input;
  product_.rows = rows;
  product_.weight = as_cuda(*linear.weight).view();
  if (linear.bias != nullptr) product_.bias = as_cuda(*linear.bias).view();
  product_.compute = linear.compute;
  if (int8_) {
    if (auto ready = prepare_int8(input, rows, linear); !ready) return ready;
  }
  if (linear.compute == ComputeType::fp32) return {};
  const std::int64_t count = rows * linear.weight->columns;
  auto rounded = rounded_.reserve<float>(device_, count);
  if (!rounded) return tl::unexpected(rounded.error());
  product_.input = *rounded;
  const cudaError_t status = round_values(device_.stream(), input, count, linear.compute, *rounded);
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "a linear"));
  return {};
}

Result<void> LinearRunner::prepare_int8(const float* input, std::int64_t rows, const Linear& linear) {
  if (auto valid = check_int8(*linear.weight); !valid) return valid;
  const std::int64_t columns = linear.weight->columns;
  const auto codes = codes_.reserve<std::int8_t>(device_, rows * columns);
  if (!codes) return tl::unexpected(codes.error());
  const auto outliers = outliers_.reserve<std::uint8_t>(device_, rows * columns);
  if (!outliers) return tl::unexpected(outliers.error());
  const auto absmax = absmax_.reserve<float>(device_, rows);
  if (!absmax) return tl::unexpected(absmax.error());
  const auto shared = columns_.reserve<std::uint8_t>(device_, columns);
  if (!shared) return tl::unexpected(shared.error());
  const bool per_call = linear.outlier_scope == OutlierScope::call;
  int8_rows_ = {*codes, *outliers, *absmax, per_call ? *shared : nullptr};
  const cudaError_t status =
      encode_int8_rows(device_.stream(), {input, rows, columns, linear.outlier_threshold, int8_rows_});
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "LLM.int8()"));
  return {};
}

Result<void> LinearRunner::multiply(const ProductTarget& target) {
  const std::int64_t per_row = std::max<std::int64_t>(1, target.outputs * product_.weight.columns);
  const std::int64_t groups = std::clamp<std::int64_t>(products_per_launch_ / per_row / rows_per_thread, 1, 65535);
  const std::int64_t rows = product_.rows;
  for (std::int64_t first = 0; first < rows; first += groups * rows_per_thread) {
    if (device_.stop_token().stop_requested()) return cancelled();
    auto done = multiply_rows(target, first, std::min(groups * rows_per_thread, rows - first));
    if (!done) return done;
  }
  return {};
}

Result<void> LinearRunner::multiply_rows(const ProductTarget& target, std::int64_t first, std::int64_t count) {
  const std::int64_t columns = product_.weight.columns;
  ProductArguments part = product_;
  part.rows = count;
  part.input += first * columns;
  part.target = target;
  part.target.values += first * target.stride;
  if (!int8_) return device_.finish(multiply_rounded(device_.stream(), part), "a linear");
  Int8Rows rows = int8_rows_;
  rows.codes += first * columns;
  rows.outliers += first * columns;
  rows.absmax += first;
  return device_.finish(multiply_int8(device_.stream(), part, rows), "LLM.int8()");
}

}  // namespace quantscope::cuda
