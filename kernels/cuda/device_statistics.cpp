// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/device_statistics.h"

#include <algorithm>
#include <functional>

#include "kernels/cuda/statistics_kernels.h"

namespace quantscope::cuda {
namespace {
constexpr std::int64_t tile_bytes = std::int64_t{4} << 20;
constexpr char what[] = "measuring a tensor";

/// Sends a source through the ring.
class TileMeasurement {
 public:
  /// Queues the work on a tile, whose first piece has this number.
  using Work = std::function<cudaError_t(const SourceTile& tile, std::int64_t first_piece)>;

  TileMeasurement(Device& device, UploadRing& ring, const RowReader& source, std::int64_t rows, std::int64_t columns)
      : device_(device),
        ring_(ring),
        source_(source),
        rows_(rows),
        columns_(columns),
        value_bytes_(source.stored_type() == DataType::fp32 ? 4 : 2),
        tile_rows_(std::clamp<std::int64_t>(tile_bytes / value_bytes_ / columns, 1, rows)) {}

  /// Pieces of all tiles. Each tile begins a new one.
  std::int64_t pieces() const { return (rows_ + tile_rows_ - 1) / tile_rows_ * pieces_per_tile(); }

  Result<void> run(const Work& work) {
    if (auto ready = ring_.reserve(device_, bytes_of(tile_rows_)); !ready) return ready;
    std::int64_t first_piece = 0;
    for (std::int64_t row = 0; row < rows_; row += tile_rows_, first_piece += pieces_per_tile()) {
      if (device_.stop_token().stop_requested()) return cancelled();
      if (auto sent = send(row, std::min(tile_rows_, rows_ - row), first_piece, work); !sent) return sent;
    }
    return device_.finish(what);
  }

 private:
  std::int64_t pieces_per_tile() const { return (tile_rows_ * columns_ + values_per_piece - 1) / values_per_piece; }
  std::size_t bytes_of(std::int64_t rows) const { return static_cast<std::size_t>(rows * columns_ * value_bytes_); }

  Result<void> send(std::int64_t row, std::int64_t rows, std::int64_t first_piece, const Work& work) {
    auto next = ring_.next(what);
    if (!next) return tl::unexpected(next.error());
    UploadTile& tile = **next;
    if (auto read = source_.read_stored(row, rows, {tile.host(), bytes_of(rows)}); !read) return read;
    cudaError_t status = tile.send(device_, bytes_of(rows));
    if (status == cudaSuccess) status = work({tile.on_device(), source_.stored_type(), rows * columns_}, first_piece);
    if (status == cudaSuccess) status = tile.mark_used(device_);
    if (status == cudaSuccess) return {};
    return device_.finish(status, what);
  }

  Device& device_;
  UploadRing& ring_;
  const RowReader& source_;
  std::int64_t rows_;
  std::int64_t columns_;
  std::int64_t value_bytes_;
  std::int64_t tile_rows_;
};

template <class T>
Result<TaggedBuffer> download(Device& device, const DeviceMemory& memory) {
  auto host = TaggedBuffer::allocate(device.host_ledger(), MemoryTag::workspace, memory.size());
  if (!host) return host;
  auto done = device.finish(device.download(host->data(), memory.data<T>(), memory.size()), what);
  if (!done) return tl::unexpected(done.error());
  return host;
}

/// Moments and histogram.
Result<TensorStatistics> first_pass(Device& device, TileMeasurement& tiles, std::int64_t count, HistogramBins bins) {
  auto pieces =
      DeviceMemory::allocate(device, MemoryTag::workspace, static_cast<std::size_t>(tiles.pieces()) * sizeof(Moments));
  if (!pieces) return tl::unexpected(pieces.error());
  auto counts = DeviceMemory::allocate(device, MemoryTag::workspace, histogram_bin_count * sizeof(std::uint64_t));
  if (!counts) return tl::unexpected(counts.error());
  auto done = tiles.run([&](const SourceTile& tile, std::int64_t first_piece) {
    const cudaError_t status = measure_pieces(device.stream(), tile, pieces->data<Moments>() + first_piece);
    if (status != cudaSuccess) return status;
    return count_bins(device.stream(), tile, bins, counts->data<unsigned long long>());
  });
  if (!done) return tl::unexpected(done.error());
  auto moments = download<Moments>(device, *pieces);
  if (!moments) return tl::unexpected(moments.error());
  auto histogram = download<std::uint64_t>(device, *counts);
  if (!histogram) return tl::unexpected(histogram.error());
  Moments total;
  for (const Moments& piece : moments->as<Moments>()) total = combine(total, piece);
  TensorStatistics statistics = describe(total, count);
  const auto filled = histogram->as<std::uint64_t>();
  statistics.histogram = {bins, {filled.begin(), filled.end()}};
  return statistics;
}
}  // namespace

Result<TensorStatistics> measure_tensor(Device& device, UploadRing& ring, const RowReader& source, std::int64_t rows,
                                        std::int64_t columns, HistogramBins bins) {
  if (rows <= 0 || columns <= 0) {
    return fail(ErrorCode::invalid_argument, "A tensor without elements has no statistics.");
  }
  TileMeasurement tiles(device, ring, source, rows, columns);
  auto statistics = first_pass(device, tiles, rows * columns, bins);
  if (!statistics || !may_have_outliers(*statistics)) return statistics;
  auto found = DeviceMemory::allocate(device, MemoryTag::workspace, sizeof(std::uint64_t));
  if (!found) return tl::unexpected(found.error());
  const double mean = statistics->mean, limit = outlier_limit(*statistics);
  auto done = tiles.run([&](const SourceTile& tile, std::int64_t) {
    return count_outliers(device.stream(), tile, mean, limit, found->data<unsigned long long>());
  });
  if (!done) return tl::unexpected(done.error());
  auto outliers = download<std::uint64_t>(device, *found);
  if (!outliers) return tl::unexpected(outliers.error());
  statistics->outliers = static_cast<std::int64_t>(outliers->as<std::uint64_t>().front());
  return statistics;
}

}  // namespace quantscope::cuda
