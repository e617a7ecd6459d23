// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "core/experiment/run_result.h"

namespace quantscope::testing {

/// A run whose first `right` of `total` questions, one a story, are answered right.
RunResult answered_run(const std::string& configuration, int right, int total);

}  // namespace quantscope::testing
