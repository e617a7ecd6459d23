// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <stop_token>

#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// The row of a result that was not run here; without an id and unpaired.
RunEntry row_of(const RunResult& run);
/// Rows for results that were not run here (a report read back), paired against the first.
std::vector<RunEntry> rows_of(std::span<const RunResult> runs, Scorer scorer);
/// Each of `others` against `base`, in order. A stop ends it early, with rows that are not filled.
std::vector<RunPairs> pairs_with(const RunResult& base, std::span<const RunResult* const> others, Scorer scorer,
                                 const std::stop_token& stop = {});

}  // namespace quantscope::ui
