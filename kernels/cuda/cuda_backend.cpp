// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <utility>

#include "kernels/cuda/decode_kernels.h"
#include "kernels/cuda/device_statistics.h"
#include "kernels/cuda/quantizer.h"
#include "kernels/cuda/workload_scratch.h"
#include "kernels/memory_checks.h"

/// Starting, and the operations of CudaBackend that place and move data.
namespace quantscope::cuda {
namespace {
constexpr std::int64_t decoded_bytes_at_once = std::int64_t{16} << 20;
}  // namespace

CudaBackend::CudaBackend(std::unique_ptr<Device> device, DynamicTables tables)
    : device_(std::move(device)), tables_(std::move(tables)) {}

Result<std::unique_ptr<Backend>> CudaBackend::create(int index) {
  auto device = Device::open(index);
  if (!device) return tl::unexpected(device.error());
  auto tables = DynamicTables::create(**device);
  if (!tables) return tl::unexpected(tables.error());
  std::unique_ptr<CudaBackend> backend(new CudaBackend(std::move(*device), std::move(*tables)));
  auto linears = LinearRunner::create(*backend->device_, backend->scratch_);
  if (!linears) return tl::unexpected(linears.error());
  backend->linears_ = std::move(*linears);
  return backend;
}

Result<void> CudaBackend::reserve(const Workload& workload) {
  if (auto ready = device_->begin(); !ready) return ready;
  uploads_.release();
  batch_.forget();
  for (PlacedValues<std::int32_t>* values : {&ids_, &picked_, &base_picked_, &targets_}) values->forget();
  if (auto done = scratch_.resize(*device_, scratch_sizes(workload, device_->shape())); !done) return done;
  if (auto done = frequencies_.reserve(*device_, workload.head_dim); !done) return done;
  return device_->queued(device_->pool().trim(), "reserving memory");
}

Result<std::unique_ptr<Weight>> CudaBackend::quantize(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                      const WeightFormat& format, MemoryTag tag) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  auto weight = quantize_matrix(*device_, tables_, uploads_, source, rows, columns, format, tag);
  if (!weight) return tl::unexpected(weight.error());
  if (auto done = (*weight)->decode_vector(*device_); !done) return tl::unexpected(done.error());
  return std::move(*weight);
}

Result<std::unique_ptr<Weight>> CudaBackend::upload(QuantizedTensor tensor) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  auto weight = CudaWeight::upload(*device_, tables_, tensor);
  if (!weight) return tl::unexpected(weight.error());
  if (auto done = (*weight)->decode_vector(*device_); !done) return tl::unexpected(done.error());
  return std::move(*weight);
}

Result<QuantizedTensor> CudaBackend::download(const Weight& weight) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  return as_cuda(weight).download(*device_);
}

Result<void> CudaBackend::decode(const Weight& weight, std::int64_t first_row, std::int64_t row_count,
                                 std::span<float> values) {
  if (auto valid = check_decode(weight, first_row, row_count, values.size()); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  if (row_count == 0) return {};
  const std::int64_t tile = std::clamp<std::int64_t>(decoded_bytes_at_once / 4 / weight.columns, 1, row_count);
  auto decoded = scratch_[ScratchUse::decoded_rows].reserve<float>(*device_, tile * weight.columns);
  if (!decoded) return tl::unexpected(decoded.error());
  RowsArguments arguments;
  arguments.weight = as_cuda(weight).view();
  arguments.values = *decoded;
  for (std::int64_t row = 0; row < row_count; row += tile) {
    if (device_->stop_token().stop_requested()) return cancelled();
    arguments.first_row = first_row + row;
    arguments.row_count = std::min(tile, row_count - row);
    cudaError_t status = decode_rows(device_->stream(), arguments);
    if (status == cudaSuccess) {
      status = device_->download(values.data() + row * weight.columns, *decoded,
                                 static_cast<std::size_t>(4 * arguments.row_count * weight.columns));
    }
    if (auto done = device_->finish(status, "decoding a weight"); !done) return done;
  }
  return {};
}

Result<TensorStatistics> CudaBackend::statistics(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                 HistogramBins bins) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  return measure_tensor(*device_, uploads_, source, rows, columns, bins);
}

Result<std::unique_ptr<Buffer>> CudaBackend::create_buffer(std::int64_t row_capacity, std::int64_t columns) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  auto buffer = CudaBuffer::create(*device_, row_capacity, columns);
  if (!buffer) return tl::unexpected(buffer.error());
  return std::move(*buffer);
}

Result<void> CudaBackend::read(const Buffer& buffer, std::int64_t rows, std::span<float> values) {
  if (auto valid = check_copy(buffer, rows, values.size()); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  return device_->finish(device_->download(values.data(), values_of(buffer), values.size_bytes()), "reading results");
}

Result<void> CudaBackend::write(Buffer& buffer, std::int64_t rows, std::span<const float> values) {
  if (auto valid = check_copy(buffer, rows, values.size()); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  return device_->queued(device_->upload_copy(values_of(buffer), values.data(), values.size_bytes()), "writing values");
}

Result<std::unique_ptr<KvStorage>> CudaBackend::create_kv(const KvShape& shape) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  auto storage = CudaKvStorage::create(*device_, shape);
  if (!storage) return tl::unexpected(storage.error());
  return std::move(*storage);
}

Result<void> CudaBackend::copy_kv_page(KvStorage& storage, std::int32_t from, std::int32_t to) {
  if (auto valid = check_page_copy(storage.shape, from, to); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  auto& cache = static_cast<CudaKvStorage&>(storage);
  return device_->queued(from == to ? cudaSuccess : cache.copy_page(*device_, from, to), "copying a page");
}

}  // namespace quantscope::cuda
