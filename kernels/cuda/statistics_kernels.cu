// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/statistics_kernels.h"

#include <cmath>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/source_values.h"

namespace quantscope::cuda {
namespace {
constexpr std::int64_t lanes_per_warp = 32;
constexpr std::int64_t values_per_round = lanes_per_warp * values_per_load;

__device__ bool is_finite(float value) { return (float_bits(value) & 0x7F800000U) != 0x7F800000U; }

template <class T>
__device__ T sum_of_lanes(T value) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, step);
  return value;
}

/// Calls use(value) for the finite values of a piece that are the calling lane's, in order.
template <class Source, class Use>
__device__ void for_each_finite(const SourceTile& tile, std::int64_t begin, const Use& use) {
  const std::int64_t end = begin + values_per_piece < tile.count ? begin + values_per_piece : tile.count;
  for (std::int64_t i = begin + threadIdx.x % lanes_per_warp * values_per_load; i < end; i += values_per_round) {
    const EightValues values = load_eight<Source>(tile.values, i, end, true);
    for (int n = 0; n < values_per_load; ++n) {
      if (i + n < end && is_finite(values.at[n])) use(values.at[n]);
    }
  }
}

/// One piece per warp, read twice.
template <class Source>
__global__ void piece_kernel(SourceTile tile, Moments* pieces) {
  const std::int64_t piece = thread_number() / lanes_per_warp;
  const std::int64_t begin = piece * values_per_piece;
  if (begin >= tile.count) return;  // whole warps
  int count = 0, zeros = 0;
  double sum = 0.0;
  float minimum = INFINITY, maximum = -INFINITY;
  for_each_finite<Source>(tile, begin, [&](float value) {
    ++count;
    zeros += value == 0.0F ? 1 : 0;
    sum += static_cast<double>(value);
    minimum = value < minimum ? value : minimum;
    maximum = value > maximum ? value : maximum;
  });
  Moments moments;
  moments.count = sum_of_lanes(count);
  moments.zeros = sum_of_lanes(zeros);
  moments.mean = moments.count == 0.0 ? 0.0 : sum_of_lanes(sum) / moments.count;
  moments.maximum = static_cast<double>(largest_of_lanes(maximum, lanes_per_warp));
  moments.minimum = -static_cast<double>(largest_of_lanes(-minimum, lanes_per_warp));
  for_each_finite<Source>(tile, begin, [&](float value) {
    const double deviation = static_cast<double>(value) - moments.mean;
    const double square = deviation * deviation;
    moments.second += square;
    moments.third += square * deviation;
    moments.fourth += square * square;
  });
  moments.second = sum_of_lanes(moments.second);
  moments.third = sum_of_lanes(moments.third);
  moments.fourth = sum_of_lanes(moments.fourth);
  if (threadIdx.x % lanes_per_warp == 0) pieces[piece] = moments;
}

/// Eight values per thread. Equal neighbours are added together, so that a tensor of zeros is no queue at one address.
template <class Source>
__global__ void bin_kernel(SourceTile tile, HistogramBins bins, unsigned long long* counts) {
  const std::int64_t first = thread_number() * values_per_load;
  const EightValues values = load_eight<Source>(tile.values, first, tile.count, true);
  unsigned long long run = 0;
  for (int n = 0; n < values_per_load && first + n < tile.count; ++n) {
    ++run;
    const bool ends = n + 1 == values_per_load || first + n + 1 >= tile.count;
    const std::uint16_t bin = histogram_bin(bins, values.at[n]);
    if (!ends && histogram_bin(bins, values.at[n + 1]) == bin) continue;
    atomicAdd(&counts[bin], run);
    run = 0;
  }
}

/// One piece per warp.
template <class Source>
__global__ void outlier_kernel(SourceTile tile, double mean, double limit, unsigned long long* outliers) {
  const std::int64_t begin = thread_number() / lanes_per_warp * values_per_piece;
  if (begin >= tile.count) return;  // whole warps
  int found = 0;
  for_each_finite<Source>(tile, begin, [&](float value) {
    const double deviation = static_cast<double>(value) - mean;
    found += deviation > limit || deviation < -limit ? 1 : 0;
  });
  found = sum_of_lanes(found);
  if (threadIdx.x % lanes_per_warp == 0 && found > 0) atomicAdd(outliers, static_cast<unsigned long long>(found));
}

/// Calls use(source) with the Source of the tile's type.
template <class Use>
cudaError_t with_source(const SourceTile& tile, const Use& use) {
  switch (tile.type) {
    case DataType::fp32: return use(Fp32Source{});
    case DataType::fp16: return use(Fp16Source{});
    case DataType::bf16: return use(Bf16Source{});
    default: return cudaErrorInvalidValue;
  }
}

std::int64_t piece_threads(const SourceTile& tile) {
  return (tile.count + values_per_piece - 1) / values_per_piece * lanes_per_warp;
}
}  // namespace

cudaError_t measure_pieces(cudaStream_t stream, const SourceTile& tile, Moments* pieces) {
  return with_source(tile, [&](auto source) {
    return launch(stream, {piece_threads(tile)}, piece_kernel<decltype(source)>, tile, pieces);
  });
}

cudaError_t count_bins(cudaStream_t stream, const SourceTile& tile, HistogramBins bins, unsigned long long* counts) {
  return with_source(tile, [&](auto source) {
    return launch(stream, {(tile.count + values_per_load - 1) / values_per_load}, bin_kernel<decltype(source)>, tile,
                  bins, counts);
  });
}

cudaError_t count_outliers(cudaStream_t stream, const SourceTile& tile, double mean, double limit,
                           unsigned long long* outliers) {
  return with_source(tile, [&](auto source) {
    return launch(stream, {piece_threads(tile)}, outlier_kernel<decltype(source)>, tile, mean, limit, outliers);
  });
}

}  // namespace quantscope::cuda
