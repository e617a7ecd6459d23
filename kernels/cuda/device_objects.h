// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/attention_kernels.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/weight_view.h"

/// What a CUDA backend hands out: owners of device memory behind the classes of the interface.
namespace quantscope::cuda {

/// Whether the kernels know a weight format: dense types, 4-bit blocks of even size, INT8 by row, affine codes in
/// groups along K, FP8, and every type of GGUF files.
bool knows_format(const WeightFormat& format);

/// A weight of this shape as kernels see it, without its memory.
WeightView view_of_shape(const WeightFormat& format, std::int64_t rows, std::int64_t columns);

/// The dynamic map of double quantization on the device.
class DynamicTables {
 public:
  static constexpr std::size_t bytes = std::size_t{2} * dynamic_map_size * sizeof(float);
  static Result<DynamicTables> create(Device& device);
  const float* levels() const { return memory_.data<float>(); }
  const float* thresholds() const { return levels() + dynamic_map_size; }

 private:
  DeviceMemory memory_;
};

class CudaWeight final : public Weight {
 public:
  /// Room for codes and scales (zero) of a matrix that is encoded on the device; codes under `tag`. Fails with
  /// unsupported for formats that it does not encode: others than dense types, 4-bit blocks and INT8 by row.
  static Result<std::unique_ptr<CudaWeight>> create(Device& device, const DynamicTables& tables, std::int64_t rows,
                                                    std::int64_t columns, const WeightFormat& format, MemoryTag tag);
  /// A copy of a host tensor, complete when this returns.
  static Result<std::unique_ptr<CudaWeight>> upload(Device& device, const DynamicTables& tables,
                                                    const QuantizedTensor& tensor);
  /// A host copy, counted in the device's host ledger.
  Result<QuantizedTensor> download(Device& device) const;

  const WeightView& view() const { return view_; }
  /// For a weight of one row, after its codes are there: keeps its values decoded for norms and biases.
  Result<void> decode_vector(Device& device);
  /// The decoded values of a weight of one row; null for others.
  const float* vector() const { return vector_.data<float>(); }
  std::byte* codes() { return codes_.data<std::byte>(); }
  std::byte* scales() { return scales_.data<std::byte>(); }
  float* nested_absmax() { return nested_absmax_.data<float>(); }

 private:
  void make_view(const DynamicTables& tables);

  DeviceMemory codes_, scales_, nested_absmax_, zeros_, group_index_, vector_;
  WeightView view_;
};

class CudaBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<CudaBuffer>> create(Device& device, std::int64_t row_capacity, std::int64_t columns);
  float* values() { return memory_.data<float>(); }
  const float* values() const { return memory_.data<float>(); }

 private:
  DeviceMemory memory_;
};

class CudaKvStorage final : public KvStorage {
 public:
  static Result<std::unique_ptr<CudaKvStorage>> create(Device& device, const KvShape& shape);
  KvView view() const;
  /// Queues copies of one page of every layer.
  cudaError_t copy_page(Device& device, std::int32_t from, std::int32_t to);

 private:
  DeviceMemory memory_;
};

// The interface hands back what this backend made, and nothing else.
inline const CudaWeight& as_cuda(const Weight& weight) { return static_cast<const CudaWeight&>(weight); }
inline float* values_of(Buffer& buffer) { return static_cast<CudaBuffer&>(buffer).values(); }
inline const float* values_of(const Buffer& buffer) { return static_cast<const CudaBuffer&>(buffer).values(); }

}  // namespace quantscope::cuda
