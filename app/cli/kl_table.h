// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "core/experiment/run_result.h"

namespace quantscope::cli {

/// Prints the KL divergences of the runs that have one, and what they are; nothing when there is none.
void print_kl(const std::vector<RunResult>& results);

}  // namespace quantscope::cli
