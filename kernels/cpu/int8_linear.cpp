// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/int8_linear.h"

#include <algorithm>
#include <cmath>
#include <string>

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

Result<std::unique_ptr<PreparedLinear>> Int8Linear::create(CpuContext& context, const Linear& linear,
                                                           const float* input, std::int64_t rows,
                                                           Scratch WorkerScratch::*panel) {
  const CpuWeight& weight = as_cpu(*linear.weight);
  if (weight.kind() != WeightKind::signed8) {
    return fail(ErrorCode::invalid_argument, "LLM.int8() needs INT8 weights with one scale per row; choose int8.");
  }
  if (weight.columns > largest_columns) {
    return fail(ErrorCode::unsupported, "LLM.int8() sums overflow at " + std::to_string(weight.columns) +
                                            " input features; choose another format for this weight.");
  }
  std::unique_ptr<Int8Linear> prepared(new Int8Linear());
  prepared->context_ = &context;
  prepared->linear_ = &linear;
  prepared->weight_ = &weight;
  prepared->panel_ = panel;
  if (auto ready = prepared->reserve(rows, weight.columns); !ready) return tl::unexpected(ready.error());
  std::vector<bool> shared;
  if (linear.outlier_scope == OutlierScope::call) {
    shared = outlier_columns(input, rows, weight.columns, linear.outlier_threshold);
  }
  auto encoded = context.for_each(rows, [&](std::int64_t row, int worker) {
    prepared->encode_row(input + row * weight.columns, row, shared.empty() ? nullptr : &shared,
                         context.worker(worker).factors.data<float>());
  });
  if (!encoded) return tl::unexpected(encoded.error());
  return prepared;
}

Result<void> Int8Linear::reserve(std::int64_t rows, std::int64_t columns) {
  const int step = context_->kernels().integer.step;
  const std::int64_t outputs = tile_outputs(columns);
  padded_ = (columns + step - 1) / step * step;
  rows_.resize(static_cast<std::size_t>(rows));
  tiles_.resize(static_cast<std::size_t>(context_->threads()));
  if (auto codes = codes_.reserve<std::int16_t>(context_->ledger(), rows * padded_); !codes) {
    return tl::unexpected(codes.error());
  }
  if (auto panel = context_->reserve_per_worker<std::int16_t>(panel_, outputs * padded_); !panel) return panel;
  // Kernels pack whole vectors, of at most 64 values.
  if (auto halves = context_->reserve_per_worker<float>(&WorkerScratch::factors, columns + 64); !halves) return halves;
  return context_->reserve_per_worker<std::int32_t>(&WorkerScratch::integers, std::min(rows, rows_per_chunk) * outputs);
}

void Int8Linear::encode_row(const float* input, std::int64_t index, const std::vector<bool>* shared_columns,
                            float* halves) {
  const std::int64_t columns = weight_->columns;
  const float threshold = linear_->outlier_threshold;
  Row& row = rows_[static_cast<std::size_t>(index)];
  constexpr auto dense = static_cast<std::size_t>(WeightKind::float32);
  context_->kernels().linear[dense][static_cast<std::size_t>(ComputeType::fp16)].pack(input, columns, halves);
  for (std::int64_t k = 0; k < columns; ++k) {
    const float value = std::abs(halves[k]);
    if (value > row.absmax && !is_outlier(value, threshold)) row.absmax = value;
  }
  const float multiplier = int8_multiplier(row.absmax);
  std::int16_t* codes = codes_.data<std::int16_t>() + index * padded_;
  for (std::int64_t k = 0; k < columns; ++k) {
    const float value = halves[k];
    const bool outlier =
        shared_columns != nullptr ? (*shared_columns)[static_cast<std::size_t>(k)] : is_outlier(value, threshold);
    codes[k] = outlier ? std::int16_t{0} : std::int16_t{encode_int8(value, multiplier)};
    if (outlier) row.outliers.push_back({static_cast<std::int32_t>(k), round_to(linear_->compute, input[k])});
  }
  for (std::int64_t k = columns; k < padded_; ++k) codes[k] = 0;
}

void Int8Linear::begin_tile(std::int64_t first, std::int64_t count, int worker) {
  const auto* codes = reinterpret_cast<const std::int8_t*>(weight_->tensor().codes.data());
  std::int16_t* panel = (context_->worker(worker).*panel_).data<std::int16_t>();
  for (std::int64_t n = 0; n < count; ++n) {
    context_->kernels().integer.widen(codes + (first + n) * weight_->columns, weight_->columns, panel + n * padded_);
  }
  tiles_[static_cast<std::size_t>(worker)] = {first, count};
}

void Int8Linear::multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride, int worker) {
  WorkerScratch& scratch = context_->worker(worker);
  const Tile& tile = tiles_[static_cast<std::size_t>(worker)];
  std::int32_t* sums = scratch.integers.data<std::int32_t>();
  context_->kernels().integer.multiply(codes_.data<std::int16_t>() + first_row * padded_, rows,
                                       (scratch.*panel_).data<std::int16_t>(), stride, padded_, sums);
  const float* scales = weight_->tensor().scales.as<float>().data() + tile.first;
  for (std::int64_t m = 0; m < rows; ++m) {
    const Row& row = rows_[static_cast<std::size_t>(first_row + m)];
    for (std::int64_t n = 0; n < tile.count; ++n) {
      products[m * stride + n] = static_cast<float>(sums[m * stride + n]) * row.absmax * scales[n] * product_scale;
    }
    add_outliers(row, tile, products + m * stride);
  }
}

void Int8Linear::add_outliers(const Row& row, const Tile& tile, float* products) const {
  if (row.outliers.empty()) return;
  const auto* codes = reinterpret_cast<const std::int8_t*>(weight_->tensor().codes.data());
  const float* scales = weight_->tensor().scales.as<float>().data();
  for (std::int64_t n = 0; n < tile.count; ++n) {
    const std::int64_t output = tile.first + n;
    float sum = 0.0F;
    for (const Outlier& outlier : row.outliers) {
      const std::int8_t code = codes[output * weight_->columns + outlier.column];
      sum += outlier.value * round_to(linear_->compute, decode_int8(code, scales[output]));
    }
    products[n] += sum;
  }
}

}  // namespace quantscope
