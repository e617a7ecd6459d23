// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/int8_linear.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"

namespace quantscope {
namespace {
// float32(1 / 127^2) as CUDA code of bitsandbytes writes it, 6.200012e-05.
constexpr float product_scale = float_from_bits(0x38820610U);
// The largest sum of products of 8-bit codes that 32 bits hold.
constexpr std::int64_t largest_columns = 133144;

bool is_outlier(float value, float threshold) { return threshold > 0.0F && std::abs(value) >= threshold; }

std::vector<bool> outlier_columns(const float* input, std::int64_t rows, std::int64_t columns, float threshold) {
  std::vector<bool> marked(static_cast<std::size_t>(columns));
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    if (is_outlier(int8_source(input[i]), threshold)) marked[static_cast<std::size_t>(i % columns)] = true;
  }
  return marked;
}
}  // namespace

Result<void> check_int8(const Linear& linear) {
  const CpuWeight& weight = as_cpu(*linear.weight);
  if (weight.kind() != WeightKind::signed8) {
    return fail(ErrorCode::invalid_argument, "LLM.int8() needs INT8 weights with one scale per row; choose int8.");
  }
  if (weight.columns > largest_columns) {
    return fail(ErrorCode::unsupported, "LLM.int8() sums overflow at " + std::to_string(weight.columns) +
                                            " input features; choose another format for this weight.");
  }
  return {};
}

Result<std::shared_ptr<const Int8Input>> Int8Input::encode(CpuContext& context, const Linear& linear,
                                                           const float* input, std::int64_t rows, std::int16_t* codes) {
  const std::int64_t columns = linear.weight->columns;
  std::shared_ptr<Int8Input> encoded(new Int8Input());
  encoded->rows_.resize(static_cast<std::size_t>(rows));
  encoded->codes_ = codes;
  encoded->padded_ = padded_columns(context.kernels().integer, columns);
  std::vector<bool> shared;
  if (linear.outlier_scope == OutlierScope::call) {
    shared = outlier_columns(input, rows, columns, linear.outlier_threshold);
  }
  auto done = context.for_each(rows, [&](std::int64_t row, int worker) {
    encoded->encode_row(context, linear, input + row * columns, row, shared.empty() ? nullptr : &shared,
                        context.worker_scratch<float>(worker, WorkerScratch::factors));
  });
  if (!done) return tl::unexpected(done.error());
  return encoded;
}

void Int8Input::encode_row(const CpuContext& context, const Linear& linear, const float* input, std::int64_t index,
                           const std::vector<bool>* shared_columns, float* halves) {
  const std::int64_t columns = linear.weight->columns;
  const float threshold = linear.outlier_threshold;
  Row& row = rows_[static_cast<std::size_t>(index)];
  kernel_for(context.kernels(), WeightKind::float32, ComputeType::fp16).pack(input, columns, halves);
  for (std::int64_t k = 0; k < columns; ++k) {
    const float value = std::abs(halves[k]);
    if (value > row.absmax && !is_outlier(value, threshold)) row.absmax = value;
  }
  const float multiplier = int8_multiplier(row.absmax);
  std::int16_t* codes = codes_ + index * padded_;
  for (std::int64_t k = 0; k < columns; ++k) {
    const float value = halves[k];
    const bool outlier =
        shared_columns != nullptr ? (*shared_columns)[static_cast<std::size_t>(k)] : is_outlier(value, threshold);
    codes[k] = outlier ? std::int16_t{0} : std::int16_t{encode_int8(value, multiplier)};
    if (outlier) row.outliers.push_back({static_cast<std::int32_t>(k), round_to(linear.compute, input[k])});
  }
  for (std::int64_t k = columns; k < padded_; ++k) codes[k] = 0;
}

Int8Linear::Int8Linear(CpuContext& context, const Linear& linear, std::shared_ptr<const Int8Input> input,
                       WorkerScratch panel)
    : context_(context),
      linear_(linear),
      weight_(as_cpu(*linear.weight)),
      input_(std::move(input)),
      panel_(panel),
      tiles_(static_cast<std::size_t>(context.threads())) {}

void Int8Linear::begin_tile(std::int64_t first, std::int64_t count, int worker) {
  const auto* codes = reinterpret_cast<const std::int8_t*>(weight_.tensor().codes.data());
  auto* const panel = context_.worker_scratch<std::int16_t>(worker, panel_);
  for (std::int64_t n = 0; n < count; ++n) {
    context_.kernels().integer.widen(codes + (first + n) * weight_.columns, weight_.columns,
                                     panel + n * input_->padded());
  }
  tiles_[static_cast<std::size_t>(worker)] = {first, count};
}

void Int8Linear::multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride, int worker) {
  const Tile& tile = tiles_[static_cast<std::size_t>(worker)];
  auto* const sums = context_.worker_scratch<std::int32_t>(worker, WorkerScratch::integers);
  const auto* panel = context_.worker_scratch<std::int16_t>(worker, panel_);
  context_.kernels().integer.multiply(input_->codes(first_row), rows, panel, stride, input_->padded(), sums);
  const float* scales = weight_.tensor().scales.as<float>().data() + tile.first;
  for (std::int64_t m = 0; m < rows; ++m) {
    const Int8Input::Row& row = input_->row(first_row + m);
    for (std::int64_t n = 0; n < tile.count; ++n) {
      products[m * stride + n] = static_cast<float>(sums[m * stride + n]) * row.absmax * scales[n] * product_scale;
    }
    add_outliers(row, tile, products + m * stride);
  }
}

void Int8Linear::add_outliers(const Int8Input::Row& row, const Tile& tile, float* products) const {
  if (row.outliers.empty()) return;
  const auto* codes = reinterpret_cast<const std::int8_t*>(weight_.tensor().codes.data());
  const float* scales = weight_.tensor().scales.as<float>().data();
  for (std::int64_t n = 0; n < tile.count; ++n) {
    const std::int64_t output = tile.first + n;
    float sum = 0.0F;
    for (const Int8Input::Outlier& outlier : row.outliers) {
      const std::int8_t code = codes[output * weight_.columns + outlier.column];
      sum += outlier.value * round_to(linear_.compute, decode_int8(code, scales[output]));
    }
    products[n] += sum;
  }
}

}  // namespace quantscope
