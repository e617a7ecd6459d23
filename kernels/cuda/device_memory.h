// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device.h"

namespace quantscope::cuda {

/// Owns bytes on the GPU, entered in the device's ledger for as long as they live. Movable, not copyable. The device
/// must outlive it. Contents are zero after allocation, and so is what is missing to a whole word of 4 bytes, which may
/// be read. What is queued may still use bytes that were given back.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  /// Fails with out_of_memory, naming tag and size. `bytes` may be 0.
  static Result<DeviceMemory> allocate(Device& device, MemoryTag tag, std::size_t bytes);
  /// A copy of host bytes, which must stay as they are until Device::finish().
  static Result<DeviceMemory> copy_of(Device& device, const TaggedBuffer& source);
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory();

  std::size_t size() const { return bytes_; }
  MemoryTag tag() const { return tag_; }
  template <class T>
  T* data() {
    return static_cast<T*>(data_);
  }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(data_);
  }

 private:
  Device* device_ = nullptr;
  MemoryTag tag_ = MemoryTag::workspace;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Workspace that grows on demand and is kept between operations. Contents do not survive growing.
class DeviceScratch {
 public:
  template <class T>
  Result<T*> reserve(Device& device, std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > size()) {
      if (auto grown = resize(device, bytes); !grown) return tl::unexpected(grown.error());
    }
    return memory_.data<T>();
  }
  /// reserve() with a queued copy of host values.
  template <class T>
  Result<T*> upload(Device& device, const T* values, std::int64_t count) {
    auto memory = reserve<T>(device, count);
    if (!memory) return memory;
    const cudaError_t status = device.upload_copy(*memory, values, static_cast<std::size_t>(count) * sizeof(T));
    if (status != cudaSuccess) return tl::unexpected(error_of(status, "copying to the GPU"));
    return memory;
  }
  /// Exactly so many bytes.
  Result<void> resize(Device& device, std::size_t bytes);
  std::size_t size() const { return memory_.size(); }

 private:
  DeviceMemory memory_;
};

}  // namespace quantscope::cuda
