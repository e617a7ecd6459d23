// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

/// What the GPU itself can do, measured: the yardstick of every other figure. Each throws std::runtime_error when CUDA
/// fails.
namespace quantscope::benchmarks {

struct Roofline {
  std::string device;
  double copy_bytes_per_second = 0;    ///< device to device, bytes read plus bytes written
  double read_bytes_per_second = 0;    ///< a kernel that only reads
  double bf16_flops_per_second = 0;    ///< cuBLAS, 8192 x 8192 x 8192 of random values, fp32 sums
  double upload_bytes_per_second = 0;  ///< pinned host memory to the device
  double launch_seconds = 0;           ///< of an empty kernel in a long queue
  double graph_node_seconds = 0;       ///< the same in a graph
  double overlapped_node_seconds = 0;  ///< the same in a graph with programmatic dependent launches
};

Roofline measure_roofline();

}  // namespace quantscope::benchmarks
