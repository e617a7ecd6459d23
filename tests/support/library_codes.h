// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "tests/support/loaded_model.h"

namespace quantscope::testing {

/// How many codes were exchanged.
struct MovedCodes {
  std::int64_t moved = 0;
  std::int64_t total = 0;
};

/// Gives every FP4 and INT8 weight the codes that bitsandbytes finds on a CPU, where its rule is not the one of its
/// CUDA kernels that this program follows: FP4 ties go down in signed order and the thresholds are float32 midpoints;
/// for INT8 127 / absmax is rounded twice. Codes differ by one step at most. The oracles were made on a CPU.
MovedCodes take_cpu_library_codes(LoadedModel& model);

}  // namespace quantscope::testing
