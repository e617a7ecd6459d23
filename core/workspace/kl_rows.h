// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "core/evaluate/kl_statistics.h"
#include "core/workspace/database.h"

/// Rows of the table kl_chunk. Functions that write expect to be in a transaction.
namespace quantscope {

inline constexpr const char* kl_chunk_columns =
    "chunk_index, scored_tokens, kl_mean, nll_sum, base_nll_sum, same_top_tokens, tokens";

/// A window that is there already, from another process, stays: both are equal. Refuses one without its tokens, as
/// results that were read from a report are: their percentiles could not be computed again.
Result<void> write_kl_chunk(Database& database, std::int64_t evaluation, const KlChunk& chunk);
/// Notes the time spent on the base, over all sessions.
Result<void> note_base_seconds(Database& database, std::int64_t evaluation, double seconds);

/// The windows in their order, with their tokens. Refuses a row whose tokens have another length than they should, or
/// do not add up to its other columns.
Result<std::vector<KlChunk>> read_kl_chunks(const Database& database, std::int64_t evaluation);

}  // namespace quantscope
