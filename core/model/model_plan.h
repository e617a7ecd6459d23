// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "core/checkpoint/model_description.h"
#include "kernels/backend.h"

namespace quantscope {

/// What one weight of the model will be stored as.
struct PlannedWeight {
  WeightSlot slot;
  WeightFormat format;
  MemoryTag tag = MemoryTag::codes;
  ActivationMode activations = ActivationMode::rounded;
  bool as_stored = false;  ///< `format` is that of the file: its codes are taken, not decoded and quantized again
  std::string reason;      ///< why it is not what the data type alone says ("tied to the embedding"); may be empty
};

/// All that loading and running a model needs to know; made by `resolve`, obeyed by Model and Decoder.
struct ModelPlan {
  std::vector<PlannedWeight> weights;  ///< in the order of weight_slots()
  ComputeType compute = ComputeType::fp32;
  DataType kv_type = DataType::fp32;
  float outlier_threshold = 0.0F;
  Workload workload;  ///< what the device reserves for it: Backend::reserve()
};

}  // namespace quantscope
