// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device_memory.h"

namespace quantscope::cuda {

/// What the operations of a GPU keep for themselves between calls.
enum class ScratchUse : std::uint8_t {
  narrow_input,     ///< input of linears, rounded to 16 bits
  wide_input,       ///< the same, in fp32
  normalized,       ///< the same, normalized and not rounded
  int8_codes,       ///< LLM.int8() of an input,
  int8_absmax,      ///< one per row,
  outliers,         ///< columns by row,
  outlier_counts,   ///< one per row,
  outlier_columns,  ///< a flag per column
  integers,         ///< 32-bit sums of LLM.int8()
  decoded_weight,   ///< a tile of a weight on its way to cuBLAS
  decoded_rows,     ///< rows of a weight on their way to the host
  gate,             ///< products before they are gated, or before the norm that follows them
  up,
  keys,                ///< normalized keys
  attention_parts,     ///< what blocks that share a row leave for each other,
  attention_arrivals,  ///< and how many have; 0 between operations
  logits,              ///< a tile of the vocabulary
  base_logits,         ///< that of the other head of a pair
  head_parts,          ///< results by stretch of the vocabulary
  head_results,        ///< results by row
  best_parts,          ///< best tokens by block
  // Host values on the device.
  ids,
  picked,
  base_picked,
  targets,
  locations,
  tiles,
  pages,
};
inline constexpr std::size_t scratch_use_count = static_cast<std::size_t>(ScratchUse::pages) + 1;

/// Bytes of all scratch of a GPU.
struct ScratchSizes {
  std::array<std::int64_t, scratch_use_count> bytes{};

  std::int64_t& operator[](ScratchUse use) { return bytes[static_cast<std::size_t>(use)]; }
  std::int64_t operator[](ScratchUse use) const { return bytes[static_cast<std::size_t>(use)]; }
  /// At least so much for a use.
  void raise(ScratchUse use, std::int64_t needed);
  std::int64_t total() const;
};

/// All scratch of a GPU.
class ScratchSet {
 public:
  DeviceScratch& operator[](ScratchUse use) { return scratch_[static_cast<std::size_t>(use)]; }
  /// Exactly these sizes; contents are lost.
  Result<void> resize(Device& device, const ScratchSizes& sizes);

 private:
  std::array<DeviceScratch, scratch_use_count> scratch_;
};

}  // namespace quantscope::cuda
