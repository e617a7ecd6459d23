// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/resolve.h"
#include "kernels/backend.h"
#include "kernels/tensor_statistics.h"

namespace quantscope {

/// What one tensor looks like, and what a format does to it.
struct TensorPreview {
  TensorStatistics source;
  WeightFormat format;                      ///< asked for
  std::optional<TensorStatistics> decoded;  ///< after quantization; empty for dense formats
  std::optional<QuantizationError> error;   ///< likewise
  double median_absmax = 0;                 ///< of the blocks (or rows) that share a scale; 0 for dense formats
};

/// Which tensor of a checkpoint a user most likely wants to see first: the largest matrix of the first layer. An index;
/// precondition: the checkpoint is no plan.
std::size_t first_shown_tensor(const Checkpoint& checkpoint);

/// What resolved settings make of a tensor; dense where nothing is quantized anew. What runs as stored is not: the
/// values of the file are what runs.
WeightFormat planned_format(const Resolved& resolved, std::string_view tensor);

/// Looks at single tensors beside a run: it has a small CPU device of its own. One previewer belongs to one thread.
class TensorPreviewer {
 public:
  static Result<std::unique_ptr<TensorPreviewer>> create(int threads);

  Result<TensorPreview> preview(const Checkpoint& checkpoint, const TensorInfo& tensor, const WeightFormat& format,
                                std::stop_token stop);

 private:
  explicit TensorPreviewer(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}

  std::unique_ptr<Backend> backend_;
};

}  // namespace quantscope
