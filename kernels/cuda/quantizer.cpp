// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/quantizer.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/cuda/quantize_kernels.h"

namespace quantscope::cuda {
namespace {
constexpr std::int64_t tile_bytes = std::int64_t{16} << 20;
// Keeps every byte count far from the limits of int64.
constexpr std::int64_t largest_element_count = std::int64_t{1} << 50;

Result<void> check_shape(std::int64_t rows, std::int64_t columns) {
  if (rows > 0 && columns > 0 && rows <= largest_element_count / columns) return {};
  return fail(ErrorCode::invalid_argument, "A matrix of shape [" + std::to_string(rows) + ", " +
                                               std::to_string(columns) + "] cannot be stored; check its dimensions.");
}

/// Values that must be encoded together: what shares a scale.
std::int64_t values_per_scale(const WeightView& weight) { return std::max<std::int64_t>(1, weight.values_per_scale); }

/// Reads tile after tile. Values whose block continues in the next tile are carried over to its front.
class TileEncoder {
 public:
  TileEncoder(Device& device, CudaWeight& weight, float* absmax) : device_(device), weight_(weight), absmax_(absmax) {}

  Result<void> run(const RowReader& source) {
    const std::int64_t columns = weight_.columns;
    const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_bytes / 4 / columns, 1, weight_.rows);
    if (auto ready = reserve(tile_rows * columns + values_per_scale(weight_.view())); !ready) return ready;
    for (std::int64_t row = 0; row < weight_.rows; row += tile_rows) {
      const std::int64_t rows = std::min(tile_rows, weight_.rows - row);
      if (device_.stop_token().stop_requested()) return cancelled();
      const auto fresh =
          host_.as<float>().subspan(static_cast<std::size_t>(carried_), static_cast<std::size_t>(rows * columns));
      if (auto read = source(row, rows, fresh); !read) return read;
      if (auto done = encode(carried_ + rows * columns, row + rows == weight_.rows); !done) return done;
    }
    return {};
  }

 private:
  Result<void> reserve(std::int64_t values) {
    const auto bytes = static_cast<std::size_t>(4 * values);
    auto host = TaggedBuffer::allocate(device_.host_ledger(), MemoryTag::workspace, bytes);
    if (!host) return tl::unexpected(host.error());
    auto staged = DeviceMemory::allocate(device_, MemoryTag::workspace, bytes);
    if (!staged) return tl::unexpected(staged.error());
    host_ = std::move(*host);
    staged_ = std::move(*staged);
    return {};
  }

  Result<void> encode(std::int64_t available, bool last) {
    const std::int64_t ready = last ? available : available - available % values_per_scale(weight_.view());
    cudaError_t status = device_.upload(staged_.data<float>(), host_.data(), static_cast<std::size_t>(4 * ready));
    if (status == cudaSuccess) {
      const EncodeArguments arguments{staged_.data<float>(), encoded_,        ready,
                                      weight_.columns,       weight_.codes(), absmax_};
      status = encode_values(device_.stream(), weight_.format, arguments);
    }
    // The host tile is filled again as soon as this returns.
    if (auto done = device_.finish(status, "quantizing"); !done) return done;
    carried_ = available - ready;
    encoded_ += ready;
    std::memmove(host_.data(), host_.data() + 4 * ready, static_cast<std::size_t>(4 * carried_));
    return {};
  }

  Device& device_;
  CudaWeight& weight_;
  float* absmax_;
  TaggedBuffer host_;
  DeviceMemory staged_;
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

Result<std::unique_ptr<CudaWeight>> quantize_matrix(Device& device, const DynamicTables& tables,
                                                    const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                    const WeightFormat& format, MemoryTag tag) {
  if (auto valid = check_shape(rows, columns); !valid) return tl::unexpected(valid.error());
  auto weight = CudaWeight::create(device, tables, rows, columns, format, tag);
  if (!weight) return weight;
  const std::int64_t plain_scales = format.nested_scales ? scale_count(format, rows, columns) : 0;
  auto plain = DeviceMemory::allocate(device, MemoryTag::workspace, static_cast<std::size_t>(4 * plain_scales));
  if (!plain) return tl::unexpected(plain.error());
  float* const absmax = format.nested_scales ? plain->data<float>() : reinterpret_cast<float*>((*weight)->scales());
  if (auto done = TileEncoder(device, **weight, absmax).run(source); !done) return tl::unexpected(done.error());
  if (format.nested_scales) {
    if (auto done = nest_scales(device, tables, *plain, **weight); !done) return tl::unexpected(done.error());
  }
  return weight;
}

}  // namespace quantscope::cuda
