// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/device.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/cuda/workload_scratch.h"

namespace quantscope::cuda {
namespace {
constexpr char no_device_id[] = "cuda";
constexpr int oldest_compute_capability = 75;  // what nvcc 13 can compile for
constexpr std::size_t staging_bytes = std::size_t{1} << 20;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// Why cudaGetDeviceCount failed.
std::string no_devices_sentence(cudaError_t status) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0) return "No NVIDIA driver found.";
  if (status == cudaErrorInsufficientDriver) {
    return "The NVIDIA driver is too old: it supports CUDA " + version_text(driver) +
           ", CUDA 13 is needed; update the driver.";
  }
  if (status == cudaErrorNoDevice) return "No NVIDIA GPU found.";
  return std::string("CUDA cannot be used: ") + cudaGetErrorString(status) + ".";
}

GpuShape shape_of(const cudaDeviceProp& properties) {
  return {10 * properties.major + properties.minor, properties.multiProcessorCount, properties.l2CacheSize};
}

/// "0000:01:00.0"
std::string bus_id_of(int index) {
  char id[32] = {};
  return cudaDeviceGetPCIBusId(id, sizeof id, index) == cudaSuccess ? id : std::string();
}

/// Without touching the GPU's memory, which would start a context on every GPU of the machine.
DeviceDescription describe(int index, const ManagementLibrary& management) {
  DeviceDescription description;
  description.id = "cuda:" + std::to_string(index);
  cudaDeviceProp properties{};
  if (const cudaError_t status = cudaGetDeviceProperties(&properties, index); status != cudaSuccess) {
    description.name = "NVIDIA GPU";
    description.unavailable = std::string("This GPU cannot be used: ") + cudaGetErrorString(status) + ".";
    return description;
  }
  const GpuShape shape = shape_of(properties);
  description.name = properties.name;
  description.dispatch_level = "sm_" + std::to_string(shape.capability);
  description.dispatch_levels = {description.dispatch_level};
  description.memory_total = static_cast<std::int64_t>(properties.totalGlobalMem);
  description.memory_free = description.memory_total;
  const GpuFacts facts = management.facts(bus_id_of(index));
  description.clock = facts.clock;
  description.memory_bandwidth = facts.memory_bandwidth;
  description.host_memory = false;
  description.knows_format = knows_format;
  description.workspace_bytes = [shape](const Workload& workload, std::string_view /*level*/, int /*threads*/) {
    return workspace_bytes(workload, shape);
  };
  if (shape.capability < oldest_compute_capability) {
    description.unavailable = "This GPU has compute capability " + std::to_string(properties.major) + "." +
                              std::to_string(properties.minor) + "; 7.5 or newer is needed.";
  }
  return description;
}
}  // namespace

Error error_of(cudaError_t status, const char* what) {
  const std::string reason = cudaGetErrorString(status);
  if (status == cudaErrorMemoryAllocation) {
    return {ErrorCode::out_of_memory,
            std::string("Not enough GPU memory for ") + what + "; choose fewer bits or a shorter context.",
            reason,
            {}};
  }
  return {ErrorCode::device,
          std::string("The GPU failed in ") + what + ": " + reason + "; start the program again or use the CPU.",
          reason,
          {}};
}

std::vector<DeviceDescription> describe_devices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    cudaGetLastError();
    DeviceDescription missing;
    missing.id = no_device_id;
    missing.name = "NVIDIA GPU";
    missing.unavailable = no_devices_sentence(status == cudaSuccess ? cudaErrorNoDevice : status);
    return {missing};
  }
  std::vector<DeviceDescription> devices;
  devices.reserve(static_cast<std::size_t>(count));
  const ManagementLibrary management;
  for (int index = 0; index < count; ++index) devices.push_back(describe(index, management));
  return devices;
}

Device::Device(int index) : index_(index), bus_id_(bus_id_of(index)), used_before_(management_.memory_used(bus_id_)) {}

Result<std::unique_ptr<Device>> Device::open(int index) {
  const std::vector<DeviceDescription> all = describe_devices();
  const bool none = all.front().id == no_device_id;
  if (!none && (index < 0 || index >= std::ssize(all))) {
    return fail(ErrorCode::invalid_argument, "There is no GPU " + std::to_string(index) + "; this machine has " +
                                                 std::to_string(all.size()) + ", counted from 0.");
  }
  const DeviceDescription& chosen = all[none ? 0 : static_cast<std::size_t>(index)];
  if (!chosen.unavailable.empty()) return fail(ErrorCode::device, chosen.unavailable, chosen.id);
  std::unique_ptr<Device> device(new Device(index));
  if (auto ready = device->begin(); !ready) return tl::unexpected(ready.error());
  if (row_kernels_status() != cudaSuccess) {
    cudaGetLastError();
    return fail(ErrorCode::device,
                "This build has no code for " + chosen.name + " (" + chosen.dispatch_level +
                    "); build with CMAKE_CUDA_ARCHITECTURES for this GPU.",
                chosen.id);
  }
  if (const cudaError_t status = device->create_queue(); status != cudaSuccess) {
    return tl::unexpected(error_of(status, "starting"));
  }
  return device;
}

cudaError_t Device::create_queue() {
  cudaDeviceProp properties{};
  cudaError_t status = cudaGetDeviceProperties(&properties, index_);
  shape_ = shape_of(properties);
  if (status == cudaSuccess) status = cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
  if (status == cudaSuccess) status = pool_.open(index_, stream_);
  for (cudaEvent_t& mark : marks_) {
    if (status == cudaSuccess) status = cudaEventCreateWithFlags(&mark, cudaEventDisableTiming);
  }
  void* staging = nullptr;
  if (status == cudaSuccess) status = cudaMallocHost(&staging, staging_bytes);
  staging_ = static_cast<std::byte*>(staging);
  return status;
}

Device::~Device() {
  if (stream_ != nullptr) cudaStreamSynchronize(stream_);
  if (staging_ != nullptr) cudaFreeHost(staging_);
  for (cudaEvent_t mark : marks_) {
    if (mark != nullptr) cudaEventDestroy(mark);
  }
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

DeviceDescription Device::description() const {
  DeviceDescription description = describe(index_, management_);
  std::size_t free = 0, total = 0;
  if (cudaSetDevice(index_) == cudaSuccess && cudaMemGetInfo(&free, &total) == cudaSuccess) {
    description.memory_free = static_cast<std::int64_t>(free) + pool_.unused();
  }
  return description;
}

std::int64_t Device::driver_bytes() const {
  return std::max<std::int64_t>(0, management_.memory_used(bus_id_) - used_before_);
}

Result<void> Device::begin() {
  if (stop_.stop_requested()) return cancelled();
  if (const cudaError_t status = cudaSetDevice(index_); status != cudaSuccess) {
    return tl::unexpected(error_of(status, "starting an operation"));
  }
  return recording_ ? Result<void>() : bound_queue();
}

Result<void> Device::bound_queue() {
  if (stream_ == nullptr || ++operations_ % operations_per_mark != 0) return {};
  cudaEvent_t& mark = marks_[operations_ / operations_per_mark % 2];
  cudaError_t status = cudaEventSynchronize(mark);
  if (status == cudaSuccess) status = cudaEventRecord(mark, stream_);
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "an earlier operation"));
  return {};
}

Result<void> Device::queued(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return {};
  cudaGetLastError();
  return tl::unexpected(error_of(status, what));
}

Result<void> Device::finish(const char* what) { return finish(cudaSuccess, what); }

Result<void> Device::finish(cudaError_t status, const char* what) {
  const cudaError_t waited = cudaStreamSynchronize(stream_);
  staged_ = 0;
  if (status == cudaSuccess) status = waited;
  if (status == cudaSuccess) return {};
  cudaGetLastError();
  return tl::unexpected(error_of(status, what));
}

cudaError_t Device::upload(void* to, const void* from, std::size_t bytes) {
  return bytes == 0 ? cudaSuccess : cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_);
}

cudaError_t Device::upload_copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return cudaSuccess;
  constexpr std::size_t alignment = 64;
  const std::size_t needed = (bytes + alignment - 1) / alignment * alignment;
  if (staged_ + needed > staging_bytes || needed > staging_bytes) {
    if (const cudaError_t status = cudaStreamSynchronize(stream_); status != cudaSuccess) return status;
    staged_ = 0;
    if (needed > staging_bytes) {
      const cudaError_t status = upload(to, from, bytes);
      return status == cudaSuccess ? cudaStreamSynchronize(stream_) : status;
    }
  }
  std::byte* const staged = staging_ + staged_;
  std::memcpy(staged, from, bytes);
  staged_ += needed;
  return upload(to, staged, bytes);
}

cudaError_t Device::download(void* to, const void* from, std::size_t bytes) {
  return bytes == 0 ? cudaSuccess : cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_);
}

}  // namespace quantscope::cuda
