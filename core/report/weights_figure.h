// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/resource_paths.h"
#include "core/experiment/run_result.h"

namespace quantscope {

/// What weights.png shows where nobody has chosen a tensor: the largest matrix of the first layer, as the checkpoint
/// stores it and as the run that holds it in the fewest bits rounds it.
struct WeightsFigure {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::size_t tensor = 0;          ///< index into its tensors
  WeightFormat format;             ///< dense when no run quantizes it
  DataType type = DataType::fp32;  ///< of that run
  std::string caption;             ///< what is shown, as a sentence

  const TensorInfo& info() const { return checkpoint->tensors()[tensor]; }
};

/// No weights are kept with results, so they are read from the checkpoint again. Fails, with a sentence for the report,
/// when no run here read one, or when it is no longer there or no longer the same.
Result<WeightsFigure> weights_figure(std::span<const RunResult> runs, const ResourcePaths& resources);

}  // namespace quantscope
