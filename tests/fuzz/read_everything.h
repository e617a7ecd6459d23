// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"

namespace quantscope::fuzzing {

/// Uses all that a checkpoint offers. What opened must decode, and an error must say something; aborts otherwise.
void read_everything(const Result<std::shared_ptr<const Checkpoint>>& checkpoint);

}  // namespace quantscope::fuzzing
