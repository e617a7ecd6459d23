// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "core/experiment/run_result.h"

namespace quantscope {

/// KL divergence as CSV text, see tables.h: one row per figure of a run, all of KlResult,
std::string kl_csv(std::span<const RunResult> runs);
/// one per window,
std::string kl_chunks_csv(std::span<const RunResult> runs);
/// and one per scored token of one result; no part of the report, as only a workspace keeps tokens.
std::string kl_tokens_csv(const KlResult& result);

}  // namespace quantscope
