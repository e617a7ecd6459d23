// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "core/checkpoint/checkpoint.h"

namespace quantscope::benchmarks {

/// A checkpoint in the shape of Llama-3.2-1B whose BF16 weights are pseudo-random and read at memory speed: speed needs
/// no download and no licence.
std::shared_ptr<const Checkpoint> random_llama_1b();

}  // namespace quantscope::benchmarks
