// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstring>

/// The functions of NVML that the CUDA device calls, for two GPUs that are not there: the first like an H200 with 5 GiB
/// in use, of the second only the memory is known.
namespace {
struct MemoryInfo {
  unsigned long long total, free, used;
};
struct Gpu {
  const char* bus_id;
  MemoryInfo memory;
};
constexpr unsigned long long gib = 1ULL << 30;
Gpu gpus[] = {{"0000:01:00.0", {141 * gib, 136 * gib, 5 * gib}}, {"0000:02:00.0", {24 * gib, 23 * gib, gib}}};
constexpr int success = 0, not_supported = 3, not_found = 6;
int users = 0;
}  // namespace

extern "C" {
int nvmlInit_v2() {
  ++users;
  return success;
}

int nvmlShutdown() {
  --users;
  return success;
}

int users_of_nvml() { return users; }

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** found) {
  for (Gpu& gpu : gpus) {
    if (std::strcmp(gpu.bus_id, bus_id) != 0) continue;
    *found = &gpu;
    return success;
  }
  return not_found;
}

int nvmlDeviceGetMemoryInfo(void* gpu, MemoryInfo* info) {
  *info = static_cast<Gpu*>(gpu)->memory;
  return success;
}

int nvmlDeviceGetMaxClockInfo(void* gpu, int which, unsigned* megahertz) {
  if (gpu != &gpus[0]) return not_supported;
  *megahertz = which == 2 ? 3201 : 1980;
  return success;
}

int nvmlDeviceGetMemoryBusWidth(void* gpu, unsigned* bits) {
  if (gpu != &gpus[0]) return not_supported;
  *bits = 6144;
  return success;
}
}
