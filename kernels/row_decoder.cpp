// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/row_decoder.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/formats/affine.h"
#include "kernels/formats/fp8.h"
#include "kernels/formats/half.h"

// Small loops that the compiler vectorizes: compiled a second time for AVX2 and chosen at run time. Each value takes
// the same two operations in both, so the bits agree.
#if defined(__x86_64__)
#define QUANTSCOPE_AVX2 __attribute__((target("avx2")))
#endif

namespace quantscope {
namespace {

// A multiple of 8 codes begins at a whole byte whatever their bits.
constexpr std::int64_t chunk_codes = 1024;

__attribute__((always_inline)) inline void unpack_nibbles(const std::uint8_t* bytes, std::int64_t count,
                                                          std::uint8_t* codes) {
  for (std::int64_t i = 0; i < count / 2; ++i) {
    codes[2 * i] = bytes[i] & 15U;
    codes[2 * i + 1] = static_cast<std::uint8_t>(bytes[i] >> 4U);
  }
}

__attribute__((always_inline)) inline void scale_codes(const std::uint8_t* codes, std::int64_t count, float zero,
                                                       float scale, float* values) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = (static_cast<float>(codes[i]) - zero) * scale;
}

struct Loops {
  void (*unpack_nibbles)(const std::uint8_t* bytes, std::int64_t count, std::uint8_t* codes);
  void (*scale_codes)(const std::uint8_t* codes, std::int64_t count, float zero, float scale, float* values);
};

constexpr Loops baseline = {
    [](const std::uint8_t* bytes, std::int64_t count, std::uint8_t* codes) { unpack_nibbles(bytes, count, codes); },
    [](const std::uint8_t* codes, std::int64_t count, float zero, float scale, float* values) {
      scale_codes(codes, count, zero, scale, values);
    }};

#if defined(__x86_64__)
QUANTSCOPE_AVX2 void unpack_nibbles_avx2(const std::uint8_t* bytes, std::int64_t count, std::uint8_t* codes) {
  unpack_nibbles(bytes, count, codes);
}
QUANTSCOPE_AVX2 void scale_codes_avx2(const std::uint8_t* codes, std::int64_t count, float zero, float scale,
                                      float* values) {
  scale_codes(codes, count, zero, scale, values);
}
constexpr Loops with_avx2 = {unpack_nibbles_avx2, scale_codes_avx2};
#endif

const Loops& loops() {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return with_avx2;
#endif
  return baseline;
}

float scale_at(const TaggedBuffer& scales, ScaleType type, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  if (type == ScaleType::float16) return fp16_to_fp32(scales.as<std::uint16_t>()[at]);
  if (type == ScaleType::bfloat16) return bf16_to_fp32(scales.as<std::uint16_t>()[at]);
  return scales.as<float>()[at];
}

/// Decodes rows of affine codes one after another; holds the groups of the current row.
class AffineRows {
 public:
  explicit AffineRows(const QuantizedTensor& tensor)
      : tensor_(tensor),
        loops_(loops()),
        bits_(tensor.format.code_bits),
        groups_(groups_per_row(tensor.format, tensor.columns)),
        zeros_(static_cast<std::size_t>(groups_)),
        scales_(static_cast<std::size_t>(groups_)) {}

  void decode(std::int64_t row, float* values) {
    read_groups(row);
    const std::uint8_t* codes = tensor_.codes.as<std::uint8_t>().data() + row * bit_row_bytes(tensor_.columns, bits_);
    std::array<std::uint8_t, chunk_codes> chunk;
    for (std::int64_t first = 0; first < tensor_.columns; first += chunk_codes) {
      const std::int64_t count = std::min(chunk_codes, tensor_.columns - first);
      unpack(codes, first, count, chunk.data());
      if (tensor_.format.group_index)
        scale_scattered(chunk.data(), first, count, values + first);
      else
        scale_groups(chunk.data(), first, count, values + first);
    }
  }

 private:
  float zero_of(std::int64_t row, std::int64_t group, const std::uint8_t* packed) const {
    switch (tensor_.format.zero_point) {
      case ZeroPoint::none: return static_cast<float>(symmetric_zero(bits_));
      case ZeroPoint::integer: return static_cast<float>(bit_code(packed, group, bits_));
      case ZeroPoint::floating: return scale_at(tensor_.zeros, tensor_.format.scale_type, row * groups_ + group);
    }
    return 0.0F;
  }

  void read_groups(std::int64_t row) {
    const bool packed = tensor_.format.zero_point == ZeroPoint::integer;
    const std::uint8_t* zeros =
        packed ? tensor_.zeros.as<std::uint8_t>().data() + row * bit_row_bytes(groups_, bits_) : nullptr;
    for (std::int64_t group = 0; group < groups_; ++group) {
      const auto at = static_cast<std::size_t>(group);
      zeros_[at] = zero_of(row, group, zeros);
      scales_[at] = scale_at(tensor_.scales, tensor_.format.scale_type, row * groups_ + group);
    }
  }

  void unpack(const std::uint8_t* row, std::int64_t first, std::int64_t count, std::uint8_t* codes) const {
    if (bits_ == 8) {
      std::copy_n(row + first, count, codes);
      return;
    }
    std::int64_t done = 0;
    if (bits_ == 4) {
      loops_.unpack_nibbles(row + first / 2, count, codes);
      done = count / 2 * 2;
    }
    for (; done < count; ++done) codes[done] = static_cast<std::uint8_t>(bit_code(row, first + done, bits_));
  }

  void scale_groups(const std::uint8_t* codes, std::int64_t first, std::int64_t count, float* values) const {
    const std::int64_t size = tensor_.format.block_size;
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t group = (first + done) / size;
      const std::int64_t part = std::min(count - done, (group + 1) * size - first - done);
      const auto at = static_cast<std::size_t>(group);
      loops_.scale_codes(codes + done, part, zeros_[at], scales_[at], values + done);
      done += part;
    }
  }

  void scale_scattered(const std::uint8_t* codes, std::int64_t first, std::int64_t count, float* values) const {
    const std::int32_t* index = tensor_.group_index.as<std::int32_t>().data() + first;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto group = static_cast<std::size_t>(index[i]);
      values[i] = (static_cast<float>(codes[i]) - zeros_[group]) * scales_[group];
    }
  }

  const QuantizedTensor& tensor_;
  const Loops& loops_;
  int bits_;
  std::int64_t groups_;
  std::vector<float> zeros_, scales_;  // of the groups of one row
};

constexpr std::array<float, 256> fp8_values = [] {
  std::array<float, 256> values{};
  for (std::size_t code = 0; code < values.size(); ++code)
    values[code] = decode_fp8_e4m3(static_cast<std::uint8_t>(code));
  return values;
}();

void decode_fp8_row(const QuantizedTensor& tensor, std::int64_t row, float* values) {
  const WeightFormat& format = tensor.format;
  const bool tiled = format.scale_layout == ScaleLayout::tiles;
  const std::int64_t columns = tensor.columns, width = tiled ? format.block_size : columns;
  std::int64_t scale = 0;
  if (format.scale_layout == ScaleLayout::per_row) scale = row;
  if (tiled) scale = row / format.block_size * groups_per_row(format, columns);
  const std::uint8_t* codes = tensor.codes.as<std::uint8_t>().data() + row * columns;
  for (std::int64_t first = 0; first < columns; first += width, ++scale) {
    const float factor = scale_at(tensor.scales, format.scale_type, scale);
    const std::int64_t end = std::min(columns, first + width);
    for (std::int64_t k = first; k < end; ++k) values[k] = fp8_values[codes[k]] * factor;
  }
}

}  // namespace

bool has_row_decoder(const WeightFormat& format) {
  return format.code_type == CodeType::unsigned_bits || format.code_type == CodeType::float8_e4m3;
}

void decode_rows(const QuantizedTensor& tensor, std::int64_t first_row, std::int64_t row_count,
                 std::span<float> values) {
  if (tensor.format.code_type == CodeType::float8_e4m3) {
    for (std::int64_t row = 0; row < row_count; ++row)
      decode_fp8_row(tensor, first_row + row, values.data() + row * tensor.columns);
    return;
  }
  AffineRows rows(tensor);
  for (std::int64_t row = 0; row < row_count; ++row) rows.decode(first_row + row, values.data() + row * tensor.columns);
}

}  // namespace quantscope
