// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/group_rounding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/formats/affine.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

constexpr std::int64_t tile_values = std::int64_t{1} << 20;

struct Grid {
  float scale = 1.0F;
  int zero = 0;
};

float stored_value(ScaleType type, float scale) {
  if (type == ScaleType::float16) return round_to(ComputeType::fp16, scale);
  return type == ScaleType::bfloat16 ? round_to(ComputeType::bf16, scale) : scale;
}

Grid grid_of(std::span<const float> values, const WeightFormat& format) {
  float smallest = values[0], largest = values[0], absmax = 0.0F;
  for (const float value : values) {
    if (std::isnan(value)) return {value, 0};
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
    absmax = std::max(absmax, std::abs(value));
  }
  if (format.zero_point == ZeroPoint::none)
    return {stored_value(format.scale_type, symmetric_scale(absmax, format.code_bits)),
            symmetric_zero(format.code_bits)};
  const float scale = spanning_scale(smallest, largest, format.code_bits);
  return {stored_value(format.scale_type, scale), spanning_zero(smallest, scale, format.code_bits)};
}

/// Encodes rows into a tensor.
class GroupRounder {
 public:
  explicit GroupRounder(QuantizedTensor& tensor)
      : tensor_(tensor), groups_(groups_per_row(tensor.format, tensor.columns)) {}

  /// False where a scale is not a positive finite number, as with infinite weights and NaN.
  bool encode(std::int64_t row, std::span<const float> values) {
    const std::int64_t size = tensor_.format.block_size;
    for (std::int64_t group = 0; group < groups_; ++group) {
      const std::int64_t first = group * size, count = std::min(size, tensor_.columns - first);
      const auto part = values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      const Grid grid = grid_of(part, tensor_.format);
      if (!std::isfinite(grid.scale) || grid.scale <= 0) return false;
      put_grid(row, group, grid);
      put_codes(row, first, part, grid);
    }
    return true;
  }

 private:
  void put_grid(std::int64_t row, std::int64_t group, const Grid& grid) {
    const int bits = tensor_.format.code_bits;
    const auto at = static_cast<std::size_t>(row * groups_ + group);
    switch (tensor_.format.scale_type) {
      case ScaleType::float32: tensor_.scales.as<float>()[at] = grid.scale; break;
      case ScaleType::float16: tensor_.scales.as<std::uint16_t>()[at] = fp32_to_fp16(grid.scale); break;
      case ScaleType::bfloat16: tensor_.scales.as<std::uint16_t>()[at] = fp32_to_bf16(grid.scale); break;
    }
    if (tensor_.format.zero_point == ZeroPoint::integer)
      put_bit_code(tensor_.zeros.as<std::uint8_t>().data() + row * bit_row_bytes(groups_, bits), group, bits,
                   grid.zero);
  }

  void put_codes(std::int64_t row, std::int64_t first, std::span<const float> values, const Grid& grid) {
    const int bits = tensor_.format.code_bits;
    auto* codes = tensor_.codes.as<std::uint8_t>().data() + row * bit_row_bytes(tensor_.columns, bits);
    for (std::size_t i = 0; i < values.size(); ++i)
      put_bit_code(codes, first + static_cast<std::int64_t>(i), bits,
                   encode_affine(values[i], grid.zero, grid.scale, bits));
  }

  QuantizedTensor& tensor_;
  std::int64_t groups_;
};

}  // namespace

Result<QuantizedTensor> round_to_groups(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                        const WeightFormat& format, MemoryLedger& ledger, std::string_view name,
                                        std::stop_token stop) {
  if (format.levels != Levels::affine || format.zero_point == ZeroPoint::floating || format.group_index)
    return fail(ErrorCode::unsupported, fmt::format("{} cannot be rounded to this format of groups.", name));
  auto tensor = QuantizedTensor::allocate(ledger, rows, columns, format, MemoryTag::codes);
  if (!tensor) return tensor;
  GroupRounder rounder(*tensor);
  const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_values / columns, 1, rows);
  std::vector<float> values(static_cast<std::size_t>(tile_rows * columns));
  for (std::int64_t first = 0; first < rows; first += tile_rows) {
    if (stop.stop_requested()) return cancelled();
    const std::int64_t count = std::min(tile_rows, rows - first);
    const auto tile = std::span(values).first(static_cast<std::size_t>(count * columns));
    if (auto read = source(first, count, tile); !read) return tl::unexpected(std::move(read.error()));
    for (std::int64_t row = 0; row < count; ++row)
      if (!rounder.encode(first + row,
                          tile.subspan(static_cast<std::size_t>(row * columns), static_cast<std::size_t>(columns))))
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("Row {} of {} has weights that are infinite, NaN or too large for this format of scales; "
                        "choose another.",
                        first + row, name),
            std::string(name));
  }
  return tensor;
}

}  // namespace quantscope
