// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "runtime_types.h"

/// What tests set and read.
namespace cuda_on_host {

struct Machine {
  int devices = 1;
  int driver_version = 13000;
  int compute_capability = 90;
  std::size_t memory = std::size_t{1} << 30;  ///< bytes of one device
  std::size_t allocated = 0;
  bool has_memory_pools = true;
  std::size_t launches = 0;         ///< of kernels, so far
  int launches_until_failure = -1;  ///< the launch after so many fails; negative for never
  cudaError_t pending = cudaSuccess;
  std::string report;  ///< what a detector found first, in a sentence; empty when nothing
};
Machine& machine();

/// "thread (5,0,0)" of the block that runs.
std::string thread_name(unsigned number);
/// "kernel, block (0,0,0), thread (5,0,0)": who runs.
std::string who_runs();

/// Keeps the sentence, after the name of the kernel and thread that run, unless there is an earlier one. Returns false.
template <class... Values>
bool report(fmt::format_string<Values...> sentence, Values&&... values) {
  if (!machine().report.empty()) return false;
  machine().report = who_runs() + ": " + fmt::format(sentence, std::forward<Values>(values)...);
  return false;
}

}  // namespace cuda_on_host
