// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/dispatch.h"

#include <sched.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <fstream>
#include <thread>

namespace quantscope {
namespace {
#if defined(__x86_64__)
/// Clang 14 has no name for it in __builtin_cpu_supports. Its registers are those of AVX.
bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif
}  // namespace

std::vector<DispatchLevel> dispatch_levels() {
  std::vector<DispatchLevel> levels = {{"scalar", &scalar_kernels()}};
#if defined(__x86_64__)
  // __builtin_cpu_supports also asks whether the operating system saves the registers.
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c()) {
    return levels;
  }
  levels.push_back({"avx2", &avx2_kernels()});
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    return levels;
  }
  levels.push_back({"avx512", &avx512_kernels()});
  if (__builtin_cpu_supports("avx512bf16")) levels.push_back({"avx512bf16", &avx512bf16_kernels()});
#endif
  return levels;
}

Result<DispatchLevel> choose_dispatch_level(std::string_view name) {
  const std::vector<DispatchLevel> levels = dispatch_levels();
  if (name == "auto") return levels.back();
  std::string names;
  for (const DispatchLevel& level : levels) {
    if (level.name == name) return level;
    names += ", " + std::string(level.name);
  }
  return fail(ErrorCode::invalid_argument,
              "This CPU has no dispatch level '" + std::string(name) + "'; choose one of auto" + names + ".", "simd");
}

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
#if defined(__x86_64__)
  return "x86-64 CPU";
#else
  return "CPU";
#endif
}

}  // namespace quantscope
