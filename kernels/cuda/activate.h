// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cmath>

#include "kernels/gate_activation.h"

namespace quantscope::cuda {

__device__ inline float activate(GateActivation activation, float x) {
  const float argument = activation == GateActivation::silu ? x : gelu_argument_scale * (x + gelu_cubic * x * x * x);
  return x / (1.0F + expf(-argument));
}

}  // namespace quantscope::cuda
