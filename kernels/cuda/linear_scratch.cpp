// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/linear_scratch.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/linear_paths.h"

namespace quantscope::cuda {
namespace {
constexpr std::int64_t smallest_decoded_bytes = std::int64_t{4} << 20;
constexpr std::int64_t largest_decoded_bytes = std::int64_t{64} << 20;
constexpr std::int64_t integers_at_once = std::int64_t{16} << 20;
constexpr std::int64_t tile_step = 256;

/// Adds what one linear needs for exactly so many rows.
class Adder {
 public:
  Adder(const GpuShape& gpu, const LinearShape& linear, std::int64_t outputs, bool normalized, ScratchSizes& sizes)
      : gpu_(gpu),
        linear_(linear),
        view_(view_of_shape(linear.format, linear.rows, linear.columns)),
        outputs_(outputs),
        normalized_(normalized),
        sizes_(sizes) {}

  void add(std::int64_t rows) {
    const std::int64_t values = rows * linear_.columns;
    switch (choose_path(view_, rows, linear_.compute, linear_.activations, gpu_.capability)) {
      case LinearPath::few_rows:
        if (!few_rows_prepares(view_, rows)) sizes_.raise(ScratchUse::narrow_input, 2 * values);
        return;
      case LinearPath::warps: sizes_.raise(ScratchUse::wide_input, 4 * values); return;
      case LinearPath::library: add_library(values); return;
      case LinearPath::int8_library:
        sizes_.raise(ScratchUse::integers, integer_bytes(rows));
        add_int8(rows);
        return;
      case LinearPath::int8_warps: add_int8(rows); return;
    }
  }

 private:
  void add_library(std::int64_t values) {
    const bool narrow = narrow_operands(linear_.compute, gpu_.capability);
    const ComputeType operands = narrow ? linear_.compute : ComputeType::fp32;
    const std::int64_t value_bytes = narrow ? 2 : 4;
    sizes_.raise(narrow ? ScratchUse::narrow_input : ScratchUse::wide_input, value_bytes * values);
    if (is_operand(view_, operands, linear_.compute)) return;
    const std::int64_t tile = decoded_tile(gpu_, linear_.columns, outputs_, value_bytes);
    sizes_.raise(ScratchUse::decoded_weight, tile * linear_.columns * value_bytes);
  }

  void add_int8(std::int64_t rows) {
    const std::int64_t values = rows * linear_.columns;
    if (normalized_) sizes_.raise(ScratchUse::normalized, 4 * values);
    sizes_.raise(ScratchUse::wide_input, 4 * values);
    sizes_.raise(ScratchUse::int8_codes, values);
    sizes_.raise(ScratchUse::int8_absmax, 4 * rows);
    sizes_.raise(ScratchUse::outliers, 4 * values);
    sizes_.raise(ScratchUse::outlier_counts, 4 * rows);
    sizes_.raise(ScratchUse::outlier_columns, linear_.columns);
  }

  /// Of any number of rows up to this one: fewer rows have wider tiles.
  std::int64_t integer_bytes(std::int64_t rows) const {
    const std::int64_t all = rows * std::max(tile_step, outputs_);
    return 4 * std::max(rows * tile_step, std::min(all, integers_at_once));
  }

  const GpuShape& gpu_;
  const LinearShape& linear_;
  WeightView view_;
  std::int64_t outputs_;
  bool normalized_;
  ScratchSizes& sizes_;
};
}  // namespace

std::int64_t decoded_tile(const GpuShape& gpu, std::int64_t columns, std::int64_t outputs, std::int64_t value_bytes) {
  const std::int64_t bytes = std::clamp(gpu.l2_bytes / 2, smallest_decoded_bytes, largest_decoded_bytes);
  const std::int64_t tile = bytes / value_bytes / columns / tile_step * tile_step;
  return std::min(std::max(tile_step, tile), outputs);
}

std::int64_t integer_tile(std::int64_t rows, std::int64_t outputs) {
  return std::clamp(integers_at_once / rows / tile_step * tile_step, tile_step, std::max(tile_step, outputs));
}

void add_linear(const GpuShape& gpu, const LinearShape& linear, std::int64_t most_rows, std::int64_t outputs,
                bool normalized, ScratchSizes& sizes) {
  Adder adder(gpu, linear, outputs, normalized, sizes);
  // Within a path, more rows need more: its last number of rows stands for all.
  for (const std::int64_t last : {largest_warp_rows, largest_few_rows, most_rows}) adder.add(std::min(last, most_rows));
}

}  // namespace quantscope::cuda
