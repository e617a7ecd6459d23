// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/formats/half.h"

namespace quantscope {

/// Which 16-bit pattern the bins of a ValueHistogram stand for.
enum class HistogramBins : std::uint8_t {
  bfloat16,  ///< upper 16 bits of the fp32 value: exact for BF16 tensors, 8 bits of mantissa for others
  float16,   ///< FP16 bit pattern: exact for FP16 tensors
};

/// The bin of a value: for bfloat16 its upper 16 bits (cut off, not rounded), for float16 the nearest pattern.
QUANTSCOPE_HOST_DEVICE constexpr std::uint16_t histogram_bin(HistogramBins bins, float value) {
  return bins == HistogramBins::float16 ? fp32_to_fp16(value) : static_cast<std::uint16_t>(float_bits(value) >> 16);
}

/// The value that a bin stands for.
constexpr float histogram_value(HistogramBins bins, std::uint16_t bin) {
  return bins == HistogramBins::float16 ? fp16_to_fp32(bin) : bf16_to_fp32(bin);
}

inline constexpr std::size_t histogram_bin_count = 65536;

/// Counts of all 65,536 16-bit patterns, made once; zooming re-bins these counts and never reads the tensor again.
struct ValueHistogram {
  HistogramBins bins = HistogramBins::bfloat16;
  std::vector<std::uint64_t> counts;  ///< 65,536 entries, index = bit pattern
};

/// Moments and extremes of one tensor, in float64 from the decoded fp32 values. NaN and Inf are counted, not summed.
struct TensorStatistics {
  std::int64_t count = 0;  ///< all elements
  std::int64_t not_finite = 0;
  std::int64_t zeros = 0;
  std::int64_t outliers = 0;  ///< |x - mean| > 6 standard deviations
  double minimum = 0;         ///< of the finite elements, like all that follow; 0 if there are none
  double maximum = 0;
  double mean = 0;
  double standard_deviation = 0;  ///< population
  double skewness = 0;
  double excess_kurtosis = 0;
  ValueHistogram histogram;
};

/// How far decoded values are from the source, over a whole tensor, in float64.
struct QuantizationError {
  double relative_error = 0;  ///< ||decoded - source|| / ||source||
  double sqnr_db = 0;         ///< 20 log10(1 / relative_error); +inf when exact
  double cosine = 1;          ///< of the two flattened tensors
  double max_absolute = 0;
  double mean_absolute = 0;
};

}  // namespace quantscope
