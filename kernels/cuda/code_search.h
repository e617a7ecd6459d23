// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/block_scale.h"
#include "kernels/formats/fp4.h"
#include "kernels/formats/levels.h"
#include "kernels/formats/nf4.h"

/// The codes of encode_4bit() with one look-up and one comparison instead of a comparison per threshold, which would
/// make quantizing compute-bound. The line from -1 to 1 is cut into bins so narrow that none holds two thresholds. Any
/// function that never falls may number the bins: a value in a higher bin than a threshold is above it, rounding or
/// not.
namespace quantscope::cuda {

inline constexpr int search_bin_count = 33;

/// The bin of a value; 0 for NaN, the outermost ones beyond -1 and 1.
QUANTSCOPE_HOST_DEVICE constexpr int search_bin(float value) {
  const float clamped = value > -1.0F ? (value < 1.0F ? value : 1.0F) : -1.0F;
  return static_cast<int>((clamped + 1.0F) * 16.0F);
}

/// Codes of the values in a bin.
struct SearchBin {
  float threshold;    ///< +infinity where the bin has none
  std::uint8_t code;  ///< at or below the threshold
  std::uint8_t code_above;
};

/// Entry `bin` of the table for NF4, or for FP4, of whose codes only magnitudes are looked up. INT4 needs none.
__device__ constexpr SearchBin make_search_bin(Levels levels, int bin) {
  const auto nf4 = local_table(nf4_thresholds);
  const auto fp4 = local_table(fp4_magnitude_thresholds);
  const auto fp4_codes = local_table(fp4_ascending_codes);
  const bool is_nf4 = levels == Levels::nf4;
  SearchBin entry{float_from_bits(0x7F800000U), 0, 0};
  int below = 0;
  int here = 0;
  for (int i = 0; i < (is_nf4 ? 15 : 7); ++i) {
    const float threshold = is_nf4 ? nf4.values[i] : fp4.values[i];
    below += search_bin(threshold) < bin ? 1 : 0;
    if (search_bin(threshold) != bin) continue;
    entry.threshold = threshold;
    ++here;
  }
  entry.code = static_cast<std::uint8_t>(is_nf4 ? below : fp4_codes.values[below]);
  entry.code_above = static_cast<std::uint8_t>(is_nf4 ? below + here : fp4_codes.values[below + here]);
  return entry;
}

namespace detail {
constexpr bool at_most_one_threshold_per_bin() {
  for (int i = 1; i < 15; ++i) {
    if (search_bin(nf4_thresholds[i - 1]) == search_bin(nf4_thresholds[i])) return false;
  }
  for (int i = 1; i < 7; ++i) {
    if (search_bin(fp4_magnitude_thresholds[i - 1]) == search_bin(fp4_magnitude_thresholds[i])) return false;
  }
  return true;
}
static_assert(at_most_one_threshold_per_bin());
}  // namespace detail

/// encode_4bit() with the table of `levels`.
__device__ inline std::uint32_t search_code(Levels levels, const SearchBin* table, float value, float divisor) {
  if (levels == Levels::int4) return encode_int4(value, divisor);
  const float normalized = normalize(value, divisor);
  const float wanted = levels == Levels::nf4 ? normalized : magnitude(normalized);
  const SearchBin bin = table[search_bin(wanted)];
  const std::uint32_t code = wanted > bin.threshold ? bin.code_above : bin.code;
  return levels == Levels::fp4 && normalized < 0.0F ? code + 8 : code;
}

}  // namespace quantscope::cuda
