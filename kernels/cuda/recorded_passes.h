// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <vector>

#include "kernels/cuda/device.h"

namespace quantscope::cuda {

/// What must be equal for a recorded pass to be the same as another.
struct PassShape {
  PassKey key;
  std::int64_t rows = 0;
  std::int64_t positions = 0;    ///< that launches are sized for
  std::uint64_t generation = 0;  ///< Device::memory_generation()
  bool operator==(const PassShape&) const = default;
};

/// CUDA graphs of forward passes. The first pass of a shape runs as it is, so that it may allocate; the second one is
/// recorded, later ones are replayed.
class RecordedPasses {
 public:
  RecordedPasses() = default;
  RecordedPasses(const RecordedPasses&) = delete;
  RecordedPasses& operator=(const RecordedPasses&) = delete;
  ~RecordedPasses() { clear(); }

  Result<void> run(Device& device, const PassShape& shape, const std::function<Result<void>()>& operations);

 private:
  struct Entry {
    PassShape shape;
    cudaGraphExec_t graph = nullptr;  ///< null while it was only seen
  };
  static constexpr std::size_t largest_count = 32;
  void clear();
  Result<cudaGraphExec_t> record(Device& device, const std::function<Result<void>()>& operations);

  std::vector<Entry> entries_;
};

}  // namespace quantscope::cuda
