// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/cpu_weight.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernels/cpu/reference/decode.h"
#include "kernels/formats/dynamic_map.h"
#include "kernels/formats/levels.h"
#include "kernels/row_decoder.h"

namespace quantscope {
namespace {
bool has_nibble_kernel(const WeightFormat& format, std::int64_t columns) {
  return format.code_type == CodeType::packed4 && format.scale_layout == ScaleLayout::flat_blocks &&
         format.zero_point == ZeroPoint::none && columns % nibble_span == 0 && format.block_size >= nibble_span / 2 &&
         std::has_single_bit(static_cast<std::uint64_t>(format.block_size));
}
}  // namespace

WeightAccess::WeightAccess(const WeightFormat& format, std::int64_t width) : columns(width) {
  if (has_nibble_kernel(format, columns)) {
    kind = format.block_size >= nibble_span ? WeightKind::nibbles : WeightKind::nibbles_of_half;
    block_shift = std::countr_zero(static_cast<std::uint64_t>(format.block_size));
    way = format.nested_scales || format.levels == Levels::int4 ? Way::factors : Way::stored;
  } else if (format.code_type == CodeType::signed8 && format.scale_layout == ScaleLayout::per_row) {
    kind = WeightKind::signed8;
  } else if (format.code_type == CodeType::float16) {
    kind = WeightKind::float16;
  } else if (format.code_type == CodeType::bfloat16) {
    kind = WeightKind::bfloat16;
  } else if (format.code_type != CodeType::float32) {
    way = Way::decoded;
  }
}

std::int64_t WeightAccess::scratch_size(std::int64_t row_count) const {
  switch (way) {
    case Way::stored: return 0;
    case Way::factors: return (row_count * columns >> block_shift) + 2;
    case Way::decoded: return row_count * columns;
  }
  return 0;
}

CpuWeight::CpuWeight(QuantizedTensor tensor) : tensor_(std::move(tensor)), access_(tensor_.format, tensor_.columns) {
  rows = tensor_.rows;
  columns = tensor_.columns;
  format = tensor_.format;
  if (format.code_type == CodeType::packed4) std::copy_n(levels_table(format.levels).values, 16, levels_);
}

CpuWeight::View CpuWeight::view(std::int64_t first_row, std::int64_t row_count, float* scratch) const {
  View view;
  view.first = first_row;
  view.count = row_count;
  view.rows = {tensor_.codes.data(), tensor_.scales.as<float>().data(), levels_, 0, columns, access_.block_shift};
  if (access_.way == WeightAccess::Way::factors) {
    view.rows.first_block = first_block(first_row);
    decode_factors(view.rows.first_block, block_after(first_row + row_count), scratch);
    view.rows.factors = scratch;
  } else if (access_.way == WeightAccess::Way::decoded) {
    decode(first_row, row_count, {scratch, static_cast<std::size_t>(row_count * columns)});
    view.rows.codes = scratch;
    view.first = 0;
  }
  return view;
}

void CpuWeight::decode(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const {
  if (has_row_decoder(format)) return decode_rows(tensor_, first_row, row_count, values);
  reference::decode_rows(tensor_, first_row, row_count, values);
}

void CpuWeight::decode_factors(std::int64_t begin, std::int64_t end, float* factors) const {
  if (format.nested_scales) {
    const std::uint8_t* codes = tensor_.scales.as<std::uint8_t>().data();
    const float* nested = tensor_.nested_absmax.as<float>().data();
    const float offset = tensor_.nested_offset();
    for (std::int64_t i = begin; i < end; ++i) {
      factors[i - begin] = decode_nested_absmax(dynamic_map.values[codes[i]], nested[i / nested_block_size], offset);
    }
  } else {
    std::copy_n(tensor_.scales.as<float>().data() + begin, end - begin, factors);
  }
  if (format.levels != Levels::int4) return;
  for (std::int64_t i = 0; i < end - begin; ++i) factors[i] = int4_scale(factors[i]);
}

}  // namespace quantscope
