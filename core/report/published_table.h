// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/experiment/preset.h"

namespace quantscope {

/// A head and one row for each published figure with the run of that configuration beside it; scores in percent, memory
/// in MiB, empty cells for what is not there.
std::vector<std::vector<std::string>> published_table(const Preset& preset, std::span<const RunResult> runs);

/// The same as CSV: one row an observation (published or yours), scores from 0 to 1.
std::string published_csv(const Preset& preset, std::span<const RunResult> runs);

}  // namespace quantscope
