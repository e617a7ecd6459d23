// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "kernels/progress.h"
#include "kernels/tensor_statistics.h"

namespace quantscope {

/// One tensor of a checkpoint against the tensor of the same name in the checkpoint that it was made from.
struct TensorComparison {
  std::string name;
  std::string stored;       ///< how the file keeps it: "F16", "GPTQ 4-bit group 128"
  QuantizationError error;  ///< of the decoded values
  bool bit_equal = false;   ///< all decoded values have the same bits
  bool holds = false;       ///< see compare_checkpoints
  std::string why_not;      ///< a sentence where it does not hold
};

/// Compares all tensors of `source` with those of `file`, streaming row tiles. A plain tensor holds if it is the source
/// rounded to its type; a quantized one, if its relative error is a number not above `largest_relative_error`. A tensor
/// that is missing or of another shape does not hold. A head that the file leaves out as tied is passed over.
Result<std::vector<TensorComparison>> compare_checkpoints(const Checkpoint& file, const Checkpoint& source,
                                                          double largest_relative_error, const ProgressFn& progress,
                                                          std::stop_token stop);

}  // namespace quantscope
