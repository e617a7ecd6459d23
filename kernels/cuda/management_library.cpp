// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/management_library.h"

#include <dlfcn.h>

namespace quantscope::cuda {
namespace {
// Of nvml.h, which is no part of the CUDA packages that are needed otherwise.
using Status = int;  // 0 = success
using Gpu = void*;
struct MemoryInfo {
  unsigned long long total, free, used;  // bytes
};
constexpr int multiprocessor_clock = 1;
constexpr int memory_clock = 2;
}  // namespace

struct ManagementLibrary::Functions {
  void* library = nullptr;
  Status (*init)() = nullptr;
  Status (*shutdown)() = nullptr;
  Status (*find)(const char* bus_id, Gpu* gpu) = nullptr;
  Status (*memory)(Gpu gpu, MemoryInfo* info) = nullptr;
  Status (*most_clock)(Gpu gpu, int which, unsigned* megahertz) = nullptr;
  Status (*bus_width)(Gpu gpu, unsigned* bits) = nullptr;

  explicit Functions(const char* file) : library(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
    load("nvmlInit_v2", init);
    load("nvmlShutdown", shutdown);
    load("nvmlDeviceGetHandleByPciBusId_v2", find);
    load("nvmlDeviceGetMemoryInfo", memory);
    load("nvmlDeviceGetMaxClockInfo", most_clock);
    load("nvmlDeviceGetMemoryBusWidth", bus_width);
  }
  Functions(const Functions&) = delete;
  Functions& operator=(const Functions&) = delete;
  ~Functions() {
    if (library != nullptr) dlclose(library);
  }

  bool complete() const {
    return init != nullptr && shutdown != nullptr && find != nullptr && memory != nullptr && most_clock != nullptr &&
           bus_width != nullptr;
  }

  unsigned clock_of(Gpu gpu, int which) const {
    unsigned megahertz = 0;
    return most_clock(gpu, which, &megahertz) == 0 ? megahertz : 0;
  }

 private:
  template <class Function>
  void load(const char* name, Function& function) {
    if (library != nullptr) function = reinterpret_cast<Function>(dlsym(library, name));
  }
};

ManagementLibrary::ManagementLibrary(const char* file) : functions_(std::make_unique<Functions>(file)) {
  if (!functions_->complete() || functions_->init() != 0) functions_.reset();
}

ManagementLibrary::~ManagementLibrary() {
  if (functions_) functions_->shutdown();
}

GpuFacts ManagementLibrary::facts(const std::string& bus_id) const {
  Gpu gpu = nullptr;
  if (!functions_ || functions_->find(bus_id.c_str(), &gpu) != 0) return {};
  unsigned bits = 0;
  if (functions_->bus_width(gpu, &bits) != 0) bits = 0;
  constexpr std::int64_t transfers_per_clock = 2;
  const std::int64_t clock = functions_->clock_of(gpu, memory_clock) * std::int64_t{1'000'000};
  return {static_cast<int>(functions_->clock_of(gpu, multiprocessor_clock)), transfers_per_clock * clock * bits / 8};
}

std::int64_t ManagementLibrary::memory_used(const std::string& bus_id) const {
  Gpu gpu = nullptr;
  MemoryInfo info{};
  if (!functions_ || functions_->find(bus_id.c_str(), &gpu) != 0 || functions_->memory(gpu, &info) != 0) return 0;
  return static_cast<std::int64_t>(info.used);
}

}  // namespace quantscope::cuda
