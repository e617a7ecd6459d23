// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"

namespace quantscope::testing {

/// Why no GPU can be tested here; empty when one can.
std::string gpu_unavailable();

/// The first GPU through the plug-in (QUANTSCOPE_CUDA_PLUGIN, else the one that was built). Throws without one.
std::unique_ptr<Backend> open_gpu();

}  // namespace quantscope::testing
