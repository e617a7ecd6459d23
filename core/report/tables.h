// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "core/experiment/run_result.h"

namespace quantscope {

/// The tables of a report, as CSV text: units in the header, dot decimals, UTF-8, one tidy row per observation. The
/// first run is the baseline of every delta.
std::string runs_csv(std::span<const RunResult> runs);
std::string questions_csv(std::span<const RunResult> runs);
std::string memory_csv(std::span<const RunResult> runs);
std::string tensors_csv(std::span<const RunResult> runs);
std::string pairs_csv(std::span<const RunResult> runs);
std::string chunks_csv(std::span<const RunResult> runs);
std::string speed_csv(std::span<const RunResult> runs);
/// Scores of each domain by each scorer.
std::string domains_csv(std::span<const RunResult> runs);

}  // namespace quantscope
