// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/cpu_backend.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "kernels/cpu/cpu_backend_impl.h"
#include "kernels/cpu/workload_scratch.h"

namespace quantscope {
namespace {
constexpr int most_threads = 1024;

std::int64_t memory_bytes(int pages) { return sysconf(pages) * sysconf(_SC_PAGESIZE); }

EncodeLevel encode_level(std::string_view level) {
  if (level == "scalar") return EncodeLevel::scalar;
  return level == "avx2" ? EncodeLevel::avx2 : EncodeLevel::avx512;
}

std::int64_t workspace_bytes(const Workload& workload, std::string_view level, int threads) {
  const auto found = choose_dispatch_level(level);
  return found ? scratch_sizes(workload, *found->kernels, threads).total(threads) : 0;
}

DeviceDescription describe(std::string_view level, int threads) {
  DeviceDescription description;
  description.id = "cpu";
  description.name = processor_name();
  description.dispatch_level = level;
  for (const DispatchLevel& available : dispatch_levels()) description.dispatch_levels.emplace_back(available.name);
  description.threads = threads;
  description.memory_total = memory_bytes(_SC_PHYS_PAGES);
  description.memory_free = memory_bytes(_SC_AVPHYS_PAGES);
  description.workspace_bytes = workspace_bytes;
  return description;
}
}  // namespace

Result<std::unique_ptr<Backend>> create_cpu_backend(const CpuOptions& options) {
  const auto level = choose_dispatch_level(options.simd);
  if (!level) return tl::unexpected(level.error());
  if (options.threads < 0 || options.threads > most_threads) {
    return fail(
        ErrorCode::invalid_argument,
        std::to_string(options.threads) + " threads are out of range; choose 1 to 1024, or 0 for all processors.",
        "threads");
  }
  const int threads = options.threads == 0 ? std::min(available_processors(), most_threads) : options.threads;
  return std::make_unique<CpuBackend>(*level, threads);
}

DeviceDescription describe_cpu() { return describe(dispatch_levels().back().name, available_processors()); }

CpuBackend::CpuBackend(const DispatchLevel& level, int threads)
    : context_(threads, *level.kernels),
      linears_(context_),
      level_(level.name),
      encode_level_(encode_level(level.name)) {}

Result<void> CpuBackend::reserve(const Workload& workload) {
  return context_.resize_scratch(scratch_sizes(workload, context_.kernels(), context_.threads()));
}

DeviceDescription CpuBackend::description() const { return describe(level_, context_.threads()); }

}  // namespace quantscope
