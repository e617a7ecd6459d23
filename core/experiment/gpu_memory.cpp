// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/gpu_memory.h"

#include <fmt/format.h>
#include <strings.h>

#include <array>

namespace quantscope {
namespace {

constexpr std::int64_t gibibyte = std::int64_t{1} << 30;

constexpr std::array<GpuMemory, 12> gpus = {{
    {"T4", 16 * gibibyte},
    {"L4", 24 * gibibyte},
    {"A10G", 24 * gibibyte},
    {"RTX3060", 12 * gibibyte},
    {"RTX3090", 24 * gibibyte},
    {"RTX4090", 24 * gibibyte},
    {"RTX5090", 32 * gibibyte},
    {"L40S", 48 * gibibyte},
    {"A100-40", 40 * gibibyte},
    {"A100-80", 80 * gibibyte},
    {"H100", 80 * gibibyte},
    {"H200", 141'000'000'000},  // stated in 10^9 bytes
}};

}  // namespace

std::span<const GpuMemory> known_gpus() { return gpus; }

Result<GpuMemory> find_gpu(std::string_view name) {
  for (const GpuMemory& gpu : gpus)
    if (gpu.name.size() == name.size() && strncasecmp(gpu.name.data(), name.data(), name.size()) == 0) return gpu;
  return fail(ErrorCode::invalid_argument, fmt::format("The GPU \"{}\" is not in the list: {}.", name, gpu_names()),
              "gpu");
}

std::string gpu_names() {
  std::string names;
  for (const GpuMemory& gpu : gpus) names += fmt::format("{}{}", names.empty() ? "" : ", ", gpu.name);
  return names;
}

}  // namespace quantscope
