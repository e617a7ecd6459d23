// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/stored_run.h"

#include "core/workspace/item_rows.h"
#include "core/workspace/kl_rows.h"
#include "core/workspace/run_rows.h"

namespace quantscope {

Result<RunResult> StoredRun::begin(const RunResult& planned, std::span<const QaItem> items) {
  const auto begun = database_.in_transaction([&]() -> Result<void> {
    auto id = begin_run(database_, planned);
    if (!id) return tl::unexpected(id.error());
    run_ = *id;
    if (planned.qa) questions_ = planned.qa->task.kind;
    return take_over_items(database_, run_, planned, items);
  });
  if (!begun) return tl::unexpected(begun.error());
  RunResult run = planned;
  if (auto filled = read_progress(database_, run_, run); !filled) return tl::unexpected(filled.error());
  return run;
}

Result<void> StoredRun::keep_loaded(const RunResult& run) {
  return database_.in_transaction([&] { return write_loaded(database_, run_, run); });
}

Result<void> StoredRun::keep(const QaAnswer& answer, double seconds) {
  return database_.in_transaction([&]() -> Result<void> {
    auto id = note_seconds(database_, run_, questions_, seconds);
    if (!id) return tl::unexpected(id.error());
    return write_answer(database_, *id, answer);
  });
}

Result<void> StoredRun::keep(const PerplexityChunk& chunk, double seconds) {
  return database_.in_transaction([&]() -> Result<void> {
    auto id = note_seconds(database_, run_, TaskKind::perplexity, seconds);
    if (!id) return tl::unexpected(id.error());
    return write_chunk(database_, *id, chunk);
  });
}

Result<void> StoredRun::keep(const KlChunk& chunk, double seconds, double base_seconds) {
  return database_.in_transaction([&]() -> Result<void> {
    auto id = note_seconds(database_, run_, TaskKind::kl, seconds);
    if (!id) return tl::unexpected(id.error());
    if (auto noted = note_base_seconds(database_, *id, base_seconds); !noted) return noted;
    return write_kl_chunk(database_, *id, chunk);
  });
}

Result<void> StoredRun::keep(const SpeedResult& speed) {
  return database_.in_transaction([&] { return write_speed(database_, run_, speed); });
}

Result<void> StoredRun::end(const RunResult& run) {
  return database_.in_transaction([&] { return write_end(database_, run_, run); });
}

}  // namespace quantscope
