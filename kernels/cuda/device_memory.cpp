// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/device_memory.h"

#include <string>
#include <utility>

namespace quantscope::cuda {
namespace {
constexpr std::size_t word_bytes = 4;
}

Result<DeviceMemory> DeviceMemory::allocate(Device& device, MemoryTag tag, std::size_t bytes) {
  DeviceMemory memory;
  memory.device_ = &device;
  memory.tag_ = tag;
  if (bytes == 0) return memory;
  const std::string what = std::to_string(bytes) + " bytes of " + std::string(memory_tag_name(tag));
  const std::size_t padded = (bytes + word_bytes - 1) / word_bytes * word_bytes;
  if (const cudaError_t status = device.pool().allocate(&memory.data_, padded); status != cudaSuccess) {
    memory.data_ = nullptr;
    cudaGetLastError();
    return tl::unexpected(error_of(status, what.c_str()));
  }
  memory.bytes_ = bytes;
  device.ledger().add(tag, static_cast<std::int64_t>(bytes));
  if (const cudaError_t status = cudaMemsetAsync(memory.data_, 0, padded, device.stream()); status != cudaSuccess) {
    return tl::unexpected(error_of(status, what.c_str()));
  }
  return memory;
}

Result<DeviceMemory> DeviceMemory::copy_of(Device& device, const TaggedBuffer& source) {
  auto memory = allocate(device, source.tag(), source.size());
  if (!memory) return memory;
  if (const cudaError_t status = device.upload(memory->data_, source.data(), source.size()); status != cudaSuccess) {
    return tl::unexpected(error_of(status, "copying to the GPU"));
  }
  return memory;
}

DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept
    : device_(other.device_),
      tag_(other.tag_),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(tag_, other.tag_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

DeviceMemory::~DeviceMemory() {
  if (data_ == nullptr) return;
  device_->pool().release(data_);
  device_->memory_was_freed();
  device_->ledger().remove(tag_, static_cast<std::int64_t>(bytes_));
}

Result<void> DeviceScratch::resize(Device& device, std::size_t bytes) {
  if (bytes == size()) return {};
  memory_ = DeviceMemory();
  auto memory = DeviceMemory::allocate(device, MemoryTag::workspace, bytes);
  if (!memory) return tl::unexpected(memory.error());
  memory_ = std::move(*memory);
  return {};
}

}  // namespace quantscope::cuda
