// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "core/experiment/sensitivity.h"

namespace quantscope {

/// One sensitivity measurement as a section of report.html: what was measured, a bar chart of the first rows (SVG), the
/// table of all rows, which are those of layers.csv in the same order, and what they do not say.
std::string layer_section(const SensitivityMeasurement& measurement);

}  // namespace quantscope
