// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// The row of a result that was not run here; without an id and unpaired.
RunEntry row_of(const RunResult& run);
/// Rows for results that were not run here (a report read back), paired against the first.
std::vector<RunEntry> rows_of(std::span<const RunResult> runs, Scorer scorer);

}  // namespace quantscope::ui
