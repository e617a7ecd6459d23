// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/tensor_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/moments.h"

namespace quantscope {
namespace {
constexpr std::int64_t tile_bytes = std::int64_t{4} << 20;
// Few enough values for the first-level cache, since each piece is read three times.
constexpr std::size_t piece_values = 2048;
// Histograms filled side by side, 512 KiB each.
constexpr std::size_t histogram_lanes = 8;

/// Sums term(i) over [0, count) in four interleaved partial sums, which keeps the adders busy.
template <class Term>
double sum_of(std::size_t count, Term&& term) {
  std::array<double, 4> sums{};
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += term(i + lane);
  for (; i < count; ++i) sums[0] += term(i);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

Moments piece_moments(std::span<const float> values) {
  std::array<double, piece_values> finite;
  std::size_t count = 0;
  Moments moments;
  for (const float value : values) {
    finite[count] = static_cast<double>(value);
    count += (float_bits(value) & 0x7F800000U) != 0x7F800000U ? 1U : 0U;
    moments.zeros += value == 0.0F ? 1 : 0;
  }
  if (count == 0) return moments;
  const auto [minimum, maximum] =
      std::minmax_element(finite.begin(), finite.begin() + static_cast<std::ptrdiff_t>(count));
  moments.minimum = *minimum;
  moments.maximum = *maximum;
  moments.count = static_cast<double>(count);
  moments.mean = sum_of(count, [&](std::size_t i) { return finite[i]; }) / moments.count;
  for (std::size_t i = 0; i < count; ++i) finite[i] -= moments.mean;
  const auto square = [&](std::size_t i) { return finite[i] * finite[i]; };
  moments.second = sum_of(count, square);
  moments.third = sum_of(count, [&](std::size_t i) { return square(i) * finite[i]; });
  moments.fourth = sum_of(count, [&](std::size_t i) { return square(i) * square(i); });
  return moments;
}

std::int64_t count_outliers(std::span<const float> values, double mean, double limit) {
  std::int64_t outliers = 0;
  for (const float value : values) {
    const double distance = std::abs(static_cast<double>(value) - mean);
    outliers += distance > limit && distance <= std::numeric_limits<double>::max() ? 1 : 0;
  }
  return outliers;
}

/// Reads tile after tile into one buffer and calls visit(values) for each.
class TileReader {
 public:
  TileReader(const RowReader& source, std::int64_t rows, std::int64_t columns, MemoryLedger& ledger,
             std::stop_token stop)
      : source_(source), rows_(rows), columns_(columns), ledger_(ledger), stop_(std::move(stop)) {}

  template <class Visit>
  Result<void> for_each_tile(Visit&& visit) const {
    const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_bytes / 4 / columns_, 1, rows_);
    auto buffer =
        TaggedBuffer::allocate(ledger_, MemoryTag::workspace, static_cast<std::size_t>(4 * tile_rows * columns_));
    if (!buffer) return tl::unexpected(buffer.error());
    for (std::int64_t row = 0; row < rows_; row += tile_rows) {
      if (stop_.stop_requested()) return cancelled();
      const std::int64_t count = std::min(tile_rows, rows_ - row);
      const auto values = buffer->as<float>().first(static_cast<std::size_t>(count * columns_));
      if (auto read = source_(row, count, values); !read) return read;
      visit(std::span<const float>(values));
    }
    return {};
  }

 private:
  const RowReader& source_;
  std::int64_t rows_;
  std::int64_t columns_;
  MemoryLedger& ledger_;
  std::stop_token stop_;
};

std::span<const float> piece(std::span<const float> values, std::size_t index) {
  const std::size_t begin = index * piece_values;
  return values.subspan(begin, std::min(piece_values, values.size() - begin));
}

std::size_t piece_count(std::span<const float> values) { return (values.size() + piece_values - 1) / piece_values; }

/// First pass: fills the histogram lanes, returns the moments.
Result<Moments> read_moments(const TileReader& tiles, HistogramBins bins, std::span<std::uint64_t> lanes,
                             const ParallelFor& parallel_for) {
  Moments total;
  std::vector<Moments> pieces;
  auto read = tiles.for_each_tile([&](std::span<const float> values) {
    pieces.assign(piece_count(values), {});
    parallel_for(histogram_lanes, [&](std::int64_t lane) {
      std::uint64_t* counts = lanes.data() + static_cast<std::size_t>(lane) * histogram_bin_count;
      for (std::size_t i = static_cast<std::size_t>(lane); i < pieces.size(); i += histogram_lanes) {
        pieces[i] = piece_moments(piece(values, i));
        for (const float value : piece(values, i)) ++counts[histogram_bin(bins, value)];
      }
    });
    for (const Moments& one : pieces) total = combine(total, one);
  });
  if (!read) return tl::unexpected(read.error());
  return total;
}

/// Second pass.
Result<std::int64_t> read_outliers(const TileReader& tiles, double mean, double limit,
                                   const ParallelFor& parallel_for) {
  std::int64_t total = 0;
  std::vector<std::int64_t> pieces;
  auto read = tiles.for_each_tile([&](std::span<const float> values) {
    pieces.assign(piece_count(values), 0);
    parallel_for(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
      pieces[static_cast<std::size_t>(i)] = count_outliers(piece(values, static_cast<std::size_t>(i)), mean, limit);
    });
    for (const std::int64_t one : pieces) total += one;
  });
  if (!read) return tl::unexpected(read.error());
  return total;
}

ValueHistogram add_lanes(HistogramBins bins, std::span<const std::uint64_t> lanes) {
  ValueHistogram histogram{bins, std::vector<std::uint64_t>(histogram_bin_count)};
  for (std::size_t i = 0; i < lanes.size(); ++i) histogram.counts[i % histogram_bin_count] += lanes[i];
  return histogram;
}
}  // namespace

Result<TensorStatistics> tensor_statistics(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                           HistogramBins bins, MemoryLedger& ledger, const ParallelFor& parallel_for,
                                           std::stop_token stop) {
  if (rows <= 0 || columns <= 0)
    return fail(ErrorCode::invalid_argument, "A tensor without elements has no statistics.");
  const TileReader tiles(source, rows, columns, ledger, std::move(stop));
  auto lanes = TaggedBuffer::allocate(ledger, MemoryTag::workspace,
                                      histogram_lanes * histogram_bin_count * sizeof(std::uint64_t));
  if (!lanes) return tl::unexpected(lanes.error());
  const auto moments = read_moments(tiles, bins, lanes->as<std::uint64_t>(), parallel_for);
  if (!moments) return tl::unexpected(moments.error());
  TensorStatistics result = describe(*moments, rows * columns);
  result.histogram = add_lanes(bins, lanes->as<std::uint64_t>());
  if (may_have_outliers(result)) {
    const auto outliers = read_outliers(tiles, result.mean, outlier_limit(result), parallel_for);
    if (!outliers) return tl::unexpected(outliers.error());
    result.outliers = *outliers;
  }
  return result;
}

}  // namespace quantscope
