// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/kl_rows.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "core/workspace/kl_tokens.h"

namespace quantscope {
namespace {

/// What plain SQL can read of a window; the same sums in the same order give the same bits again.
struct KlColumns {
  double kl_mean = 0, nll_sum = 0, base_nll_sum = 0;
  std::int64_t same_top = 0;
};

KlColumns columns_of(const KlChunk& chunk) {
  return {chunk.kl_sum / static_cast<double>(chunk.scored), chunk.nll_sum, chunk.base_nll_sum, chunk.same_top};
}

/// SQLite keeps no NaN: it comes back as one from NULL.
bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_columns(const KlColumns& a, const KlColumns& b) {
  return same_number(a.kl_mean, b.kl_mean) && same_number(a.nll_sum, b.nll_sum) &&
         same_number(a.base_nll_sum, b.base_nll_sum) && a.same_top == b.same_top;
}

Result<KlChunk> chunk_of(Row& row) {
  const std::int64_t index = row.count();
  const std::int64_t scored = row.integer();
  const double kl_mean = row.number(), nll_sum = row.number(), base_nll_sum = row.number();
  const KlColumns stored{kl_mean, nll_sum, base_nll_sum, row.integer()};
  auto tokens = kl_tokens_of_bytes(row.bytes(), scored);
  if (!tokens) return tl::unexpected(tokens.error());
  KlChunk chunk = summarize_kl_chunk(index, std::move(*tokens));
  if (!same_columns(columns_of(chunk), stored))
    return fail(ErrorCode::corrupt_file, "its tokens do not add up to its other columns");
  return chunk;
}

tl::unexpected<Error> damaged(const Database& database, std::int64_t evaluation, const std::string& why) {
  return fail(ErrorCode::corrupt_file,
              fmt::format("{} holds a damaged KL window: {}. Restore a copy, or delete the windows with DELETE FROM "
                          "kl_chunk WHERE evaluation_id = {}; the same command then measures them again.",
                          database.path().string(), why, evaluation),
              database.path().string());
}

}  // namespace

Result<void> write_kl_chunk(Database& database, std::int64_t evaluation, const KlChunk& chunk) {
  if (chunk.tokens.empty() || std::ssize(chunk.tokens) != chunk.scored)
    return fail(ErrorCode::invalid_argument,
                fmt::format("Window {} of a KL divergence has lost its tokens and cannot be kept; measure it again.",
                            chunk.index));
  const KlColumns columns = columns_of(chunk);
  const std::vector<std::byte> tokens = bytes_of_kl_tokens(chunk.tokens);
  return database.run(
      std::string("INSERT OR IGNORE INTO kl_chunk (evaluation_id, ") + kl_chunk_columns +
          ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      std::array<SqlValue, 8>{evaluation, chunk.index, chunk.scored, columns.kl_mean, columns.nll_sum,
                              columns.base_nll_sum, columns.same_top, std::span<const std::byte>(tokens)});
}

Result<void> note_base_seconds(Database& database, std::int64_t evaluation, double seconds) {
  return database.run("UPDATE evaluation SET base_seconds = ?2 WHERE id = ?1",
                      std::array<SqlValue, 2>{evaluation, seconds});
}

Result<std::vector<KlChunk>> read_kl_chunks(const Database& database, std::int64_t evaluation) {
  std::vector<KlChunk> chunks;
  std::string why;
  const auto read = database.each(
      std::string("SELECT ") + kl_chunk_columns + " FROM kl_chunk WHERE evaluation_id = ?1 ORDER BY chunk_index",
      std::array<SqlValue, 1>{evaluation}, [&](Row& row) {
        if (!why.empty()) return;
        auto chunk = chunk_of(row);
        if (chunk)
          chunks.push_back(std::move(*chunk));
        else
          why = chunk.error().message;
      });
  if (!read) return tl::unexpected(read.error());
  if (!why.empty()) return damaged(database, evaluation, why);
  return chunks;
}

}  // namespace quantscope
