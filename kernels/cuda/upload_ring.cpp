// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/upload_ring.h"

#include <utility>

namespace quantscope::cuda {

UploadTile::~UploadTile() {
  if (used_ != nullptr) cudaEventDestroy(used_);
  release_host();
}

void UploadTile::release_host() {
  if (host_ == nullptr) return;
  cudaFreeHost(std::exchange(host_, nullptr));
  ledger_->remove(MemoryTag::workspace, static_cast<std::int64_t>(std::exchange(bytes_, 0)));
}

void UploadTile::release() {
  wait();
  release_host();
  copy_ = DeviceMemory();
}

Result<void> UploadTile::reserve(Device& device, std::size_t bytes) {
  if (bytes <= bytes_) return {};
  release_host();
  copy_ = DeviceMemory();
  cudaError_t status = used_ == nullptr ? cudaEventCreateWithFlags(&used_, cudaEventDisableTiming) : cudaSuccess;
  void* host = nullptr;
  if (status == cudaSuccess) status = cudaMallocHost(&host, bytes);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return tl::unexpected(error_of(status, "tiles of a weight on their way to the GPU"));
  }
  host_ = static_cast<std::byte*>(host);
  bytes_ = bytes;
  ledger_ = &device.host_ledger();
  ledger_->add(MemoryTag::workspace, static_cast<std::int64_t>(bytes));
  auto copy = DeviceMemory::allocate(device, MemoryTag::workspace, bytes);
  if (!copy) {
    release_host();
    return tl::unexpected(copy.error());
  }
  copy_ = std::move(*copy);
  return {};
}

Result<void> UploadRing::reserve(Device& device, std::size_t bytes) {
  for (UploadTile& tile : tiles_) {
    if (auto ready = tile.reserve(device, bytes); !ready) return ready;
  }
  return {};
}

void UploadRing::release() {
  for (UploadTile& tile : tiles_) tile.release();
}

Result<UploadTile*> UploadRing::next(const char* what) {
  UploadTile& tile = tiles_[next_];
  next_ = (next_ + 1) % tile_count;
  if (const cudaError_t status = tile.wait(); status != cudaSuccess) {
    cudaGetLastError();
    return tl::unexpected(error_of(status, what));
  }
  return &tile;
}

}  // namespace quantscope::cuda
