// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace quantscope::cuda {

/// What the driver's management library says of a GPU; zeros where it does not say.
struct GpuFacts {
  int clock = 0;                      ///< highest clock of the multiprocessors, MHz
  std::int64_t memory_bandwidth = 0;  ///< bytes a second, from the memory's clock and bus width
};

/// NVML, opened at run time (NVML API Reference, docs.nvidia.com/deploy/nvml-api). It counts what the CUDA runtime
/// cannot see: the memory of contexts and libraries. Where it is missing, everything is 0.
class ManagementLibrary {
 public:
  static constexpr char usual_file[] = "libnvidia-ml.so.1";

  explicit ManagementLibrary(const char* file = usual_file);
  ManagementLibrary(const ManagementLibrary&) = delete;
  ManagementLibrary& operator=(const ManagementLibrary&) = delete;
  ~ManagementLibrary();

  /// `bus_id` as cudaDeviceGetPCIBusId gives it.
  GpuFacts facts(const std::string& bus_id) const;
  /// Bytes in use on the GPU, by all programs.
  std::int64_t memory_used(const std::string& bus_id) const;

 private:
  struct Functions;
  std::unique_ptr<Functions> functions_;  // null where the library is missing
};

}  // namespace quantscope::cuda
