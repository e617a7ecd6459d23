// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/formats/data_type.h"
#include "kernels/moments.h"

/// Statistics of source values. All pointers are device memory.
namespace quantscope::cuda {

/// Values of a tile.
struct SourceTile {
  const void* values = nullptr;    ///< aligned to 16
  DataType type = DataType::fp32;  ///< fp32, fp16 or bf16
  std::int64_t count = 0;
};

/// Values that share an entry of measure_pieces().
inline constexpr std::int64_t values_per_piece = 2048;

/// Writes the moments of each 2048 values, summed in a fixed order.
cudaError_t measure_pieces(cudaStream_t stream, const SourceTile& tile, Moments* pieces);

/// Adds the values to counts[65536], at histogram_bin() of each.
cudaError_t count_bins(cudaStream_t stream, const SourceTile& tile, HistogramBins bins, unsigned long long* counts);

/// Adds to `outliers` the number of finite values further than `limit` from the mean.
cudaError_t count_outliers(cudaStream_t stream, const SourceTile& tile, double mean, double limit,
                           unsigned long long* outliers);

}  // namespace quantscope::cuda
