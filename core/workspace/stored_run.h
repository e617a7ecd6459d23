// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/run_store.h"
#include "core/workspace/database.h"

namespace quantscope {

/// One run as it grows in a workspace; each call is one transaction.
class StoredRun : public RunStore {
 public:
  explicit StoredRun(Database& database) : database_(database) {}

  Result<RunResult> begin(const RunResult& planned, std::span<const QaItem> items) override;
  Result<void> keep_loaded(const RunResult& run) override;
  Result<void> keep(const QaAnswer& answer, double seconds) override;
  Result<void> keep(const PerplexityChunk& chunk, double seconds) override;
  Result<void> keep(const KlChunk& chunk, double seconds, double base_seconds) override;
  Result<void> keep(const SpeedResult& speed) override;
  Result<void> end(const RunResult& run) override;

 private:
  Database& database_;
  std::int64_t run_ = 0;
  TaskKind questions_ = TaskKind::coqa;  ///< which of the question tasks its answers belong to
};

}  // namespace quantscope
