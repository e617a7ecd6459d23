// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/quantizer.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/cuda/quantize_kernels.h"

namespace quantscope::cuda {
namespace {
// Enough for copies at full speed; the pinned memory of three tiles is kept.
constexpr std::int64_t tile_bytes = std::int64_t{4} << 20;
// Keeps every byte count far from the limits of int64.
constexpr std::int64_t largest_element_count = std::int64_t{1} << 50;

Result<void> check_shape(std::int64_t rows, std::int64_t columns) {
  if (rows > 0 && columns > 0 && rows <= largest_element_count / columns) return {};
  return fail(ErrorCode::invalid_argument, "A matrix of shape [" + std::to_string(rows) + ", " +
                                               std::to_string(columns) + "] cannot be stored; check its dimensions.");
}

/// Tiles begin at multiples of this: of what shares a scale, and of what kernels read at a time.
std::int64_t tile_step(const WeightView& weight) {
  return weight.values_per_scale == 0 ? encode_step : weight.values_per_scale;
}

/// Reads tile after tile while the GPU encodes those before. Values whose block continues in the next tile are carried
/// over to its front.
class TileEncoder {
 public:
  TileEncoder(Device& device, UploadRing& ring, CudaWeight& weight, float* absmax)
      : device_(device), ring_(ring), weight_(weight), absmax_(absmax) {}

  Result<void> run(const RowReader& source) {
    type_ = source.stored_type();
    value_bytes_ = type_ == DataType::fp32 ? 4 : 2;
    const std::int64_t columns = weight_.columns;
    const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_bytes / value_bytes_ / columns, 1, weight_.rows);
    auto ready = ring_.reserve(device_, bytes_of(tile_rows * columns + tile_step(weight_.view())));
    if (!ready) return ready;
    for (std::int64_t row = 0; row < weight_.rows; row += tile_rows) {
      if (device_.stop_token().stop_requested()) return cancelled();
      const std::int64_t rows = std::min(tile_rows, weight_.rows - row);
      if (auto done = send(source, row, rows); !done) return done;
    }
    return device_.finish("quantizing");
  }

 private:
  std::size_t bytes_of(std::int64_t values) const { return static_cast<std::size_t>(value_bytes_ * values); }

  Result<void> send(const RowReader& source, std::int64_t row, std::int64_t rows) {
    auto next = ring_.next("quantizing");
    if (!next) return tl::unexpected(next.error());
    UploadTile& tile = **next;
    if (carried_ > 0) std::memcpy(tile.host(), rest_, bytes_of(carried_));
    auto read = source.read_stored(row, rows, {tile.host() + bytes_of(carried_), bytes_of(rows * weight_.columns)});
    if (!read) return read;
    const std::int64_t available = carried_ + rows * weight_.columns;
    const bool last = row + rows == weight_.rows;
    const std::int64_t complete = last ? available : available - available % tile_step(weight_.view());
    if (auto queued = encode(tile, complete); !queued) return queued;
    carried_ = available - complete;
    rest_ = tile.host() + bytes_of(complete);  // stays until the ring comes round
    return {};
  }

  /// Queues the encoding of the first `count` values of a tile.
  Result<void> encode(UploadTile& tile, std::int64_t count) {
    cudaError_t status = tile.send(device_, bytes_of(count));
    const EncodeArguments arguments{tile.on_device(), type_,           encoded_, count,
                                    weight_.columns,  weight_.codes(), absmax_};
    if (status == cudaSuccess && count > 0) status = encode_values(device_.stream(), weight_.format, arguments);
    if (status == cudaSuccess) status = tile.mark_used(device_);
    encoded_ += count;
    if (status == cudaSuccess) return {};
    return device_.finish(status, "quantizing");
  }

  Device& device_;
  UploadRing& ring_;
  CudaWeight& weight_;
  float* absmax_;
  DataType type_ = DataType::fp32;
  std::int64_t value_bytes_ = 4;
  const std::byte* rest_ = nullptr;  // `carried_` values that the next tile begins with
  std::int64_t carried_ = 0;
  std::int64_t encoded_ = 0;
};

/// The mean of all absmax values, summed in float64 in order and rounded once, as reference::encode_absmax does. In
/// order means one by one, which the host does faster than one thread of the GPU.
Result<float> mean(Device& device, const float* values, std::int64_t count) {
  auto host = TaggedBuffer::allocate(device.host_ledger(), MemoryTag::workspace, static_cast<std::size_t>(4 * count));
  if (!host) return tl::unexpected(host.error());
  auto done = device.finish(device.download(host->data(), values, host->size()), "quantizing");
  if (!done) return tl::unexpected(done.error());
  double sum = 0.0;
  for (const float value : host->as<float>()) sum += static_cast<double>(value);
  return static_cast<float>(sum / static_cast<double>(count));
}

Result<void> nest_scales(Device& device, const DynamicTables& tables, const DeviceMemory& absmax, CudaWeight& weight) {
  NestedArguments arguments;
  arguments.absmax = absmax.data<float>();
  arguments.count = static_cast<std::int64_t>(absmax.size() / sizeof(float));
  const auto offset = mean(device, arguments.absmax, arguments.count);
  if (!offset) return tl::unexpected(offset.error());
  arguments.offset = *offset;
  arguments.dynamic_thresholds = tables.thresholds();
  arguments.codes = reinterpret_cast<std::uint8_t*>(weight.scales());
  arguments.nested_absmax = weight.nested_absmax();
  return device.finish(encode_absmax(device.stream(), arguments), "double quantization");
}
}  // namespace

Result<std::unique_ptr<CudaWeight>> quantize_matrix(Device& device, const DynamicTables& tables, UploadRing& ring,
                                                    const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                    const WeightFormat& format, MemoryTag tag) {
  if (auto valid = check_shape(rows, columns); !valid) return tl::unexpected(valid.error());
  auto weight = CudaWeight::create(device, tables, rows, columns, format, tag);
  if (!weight) return weight;
  const std::int64_t plain_scales = format.nested_scales ? scale_count(format, rows, columns) : 0;
  auto plain = DeviceMemory::allocate(device, MemoryTag::workspace, static_cast<std::size_t>(4 * plain_scales));
  if (!plain) return tl::unexpected(plain.error());
  float* const absmax = format.nested_scales ? plain->data<float>() : reinterpret_cast<float*>((*weight)->scales());
  if (auto done = TileEncoder(device, ring, **weight, absmax).run(source); !done) return tl::unexpected(done.error());
  if (format.nested_scales) {
    if (auto done = nest_scales(device, tables, *plain, **weight); !done) return tl::unexpected(done.error());
  }
  return weight;
}

}  // namespace quantscope::cuda
