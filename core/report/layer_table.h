// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "core/experiment/sensitivity.h"

namespace quantscope {

/// Layer sensitivity as CSV: one row per tensor or layer of each measurement, in their order; empty cells where nothing
/// was measured.
std::string layers_csv(std::span<const SensitivityMeasurement> measurements);

}  // namespace quantscope
