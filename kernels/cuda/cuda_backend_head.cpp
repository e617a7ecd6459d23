// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/head_kernels.h"
#include "kernels/cuda/head_tiles.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/operation_checks.h"

/// The head: final norm, vocabulary matrix in tiles, and what becomes of the logits.
namespace quantscope::cuda {
namespace {
/// Calls body(first, count) for all picked rows, some at a time.
template <class Body>
Result<void> for_rows(std::size_t rows, const Body& body) {
  constexpr auto at_once = static_cast<std::size_t>(head_rows_at_once);
  for (std::size_t first = 0; first < rows; first += at_once) {
    if (auto done = body(first, std::min(at_once, rows - first)); !done) return done;
  }
  return {};
}

Result<void> take_pairs(std::span<const PairResult> results, std::span<HeadPair> pairs) {
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    const PairResult& result = results[row];
    pairs[row] = {result.base_log_probability, result.log_probability, result.divergence,
                  result.base_top == result.other_top};
    if (std::isfinite(result.divergence)) continue;
    return fail(ErrorCode::invalid_argument,
                "A model gave logits that are not finite; check its weights, or compute in FP32 or BF16.");
  }
  return {};
}
}  // namespace

Result<void> CudaBackend::begin_head(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm) {
  if (auto ready = device_->begin(); !ready) return ready;
  const auto ids = picked_.place(*device_, picked);
  if (!ids) return tl::unexpected(ids.error());
  return read_normalized(hidden, std::ssize(picked), norm, *ids);
}

Result<void> CudaBackend::multiply_head(const Linear& head, std::int64_t rows, float* logits, std::int64_t first,
                                        std::int64_t outputs) {
  if (auto done = linears_->multiply(head, {logits, outputs, first, outputs, false}); !done) return done;
  if (head.soft_cap == 0.0F) return {};
  return device_->queued(cap_values(device_->stream(), logits, rows * outputs, head.soft_cap), "the head");
}

Result<void> CudaBackend::run_head(std::int64_t rows, const Linear& head, const LogitSink& sink) {
  const std::int64_t vocabulary = head.weight->rows;
  const auto logits =
      scratch_[ScratchUse::logits].reserve<float>(*device_, rows * std::min(head_tile_outputs, vocabulary));
  if (!logits) return tl::unexpected(logits.error());
  for (std::int64_t first = 0; first < vocabulary; first += head_tile_outputs) {
    const std::int64_t outputs = std::min(head_tile_outputs, vocabulary - first);
    if (auto done = multiply_head(head, rows, *logits, first, outputs); !done) return done;
    if (auto done = sink(*logits, first, outputs); !done) return done;
  }
  return {};
}

Result<void> CudaBackend::head_logits(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                      const Linear& head, std::span<float> logits) {
  const auto vocabulary = static_cast<std::size_t>(head.weight->rows);
  if (auto valid = check_span(logits.size(), picked.size() * vocabulary, "logits"); !valid) return valid;
  if (auto valid = check_head(hidden, picked, head, picked.size()); !valid) return valid;
  return for_rows(picked.size(), [&](std::size_t first_row, std::size_t rows) -> Result<void> {
    if (auto ready = begin_head(hidden, picked.subspan(first_row, rows), norm); !ready) return ready;
    float* const target = logits.data() + first_row * vocabulary;
    const LogitSink copy = [&](const float* tile, std::int64_t first_id, std::int64_t outputs) -> Result<void> {
      const std::size_t bytes = 4 * static_cast<std::size_t>(outputs);
      cudaError_t status = cudaSuccess;
      for (std::size_t row = 0; row < rows && status == cudaSuccess; ++row) {
        status = device_->download(target + row * vocabulary + static_cast<std::size_t>(first_id),
                                   tile + row * static_cast<std::size_t>(outputs), bytes);
      }
      return device_->queued(status, "the head");
    };
    if (auto done = run_head(static_cast<std::int64_t>(rows), head, copy); !done) return done;
    return device_->finish("the head");
  });
}

Result<void> CudaBackend::head_top(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                   const Linear& head, std::span<TopToken> top) {
  if (auto valid = check_head(hidden, picked, head, top.size()); !valid) return valid;
  return for_rows(picked.size(), [&](std::size_t first, std::size_t rows) {
    return head_top_rows(hidden, picked.subspan(first, rows), norm, head, top.subspan(first, rows));
  });
}

Result<void> CudaBackend::find_best_of_tiles(std::int64_t rows, const Linear& head, BestTwo* best) {
  const std::int64_t per_row = head_parts_per_row(head.weight->rows);
  const auto parts = scratch_[ScratchUse::head_parts].reserve<BestTwo>(*device_, rows * per_row);
  if (!parts) return tl::unexpected(parts.error());
  auto done = run_head(rows, head, [&](const float* logits, std::int64_t first, std::int64_t outputs) {
    return device_->queued(find_best(device_->stream(), {logits, rows, outputs, first, per_row}, *parts), "the head");
  });
  if (!done) return done;
  return device_->queued(combine_best(device_->stream(), *parts, rows, per_row, best), "the head");
}

Result<void> CudaBackend::head_top_rows(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                        const Linear& head, std::span<TopToken> top) {
  if (auto ready = begin_head(hidden, picked, norm); !ready) return ready;
  const std::int64_t rows = std::ssize(picked);
  const auto best = scratch_[ScratchUse::head_results].reserve<BestTwo>(*device_, rows);
  if (!best) return tl::unexpected(best.error());
  const Linear* const one = &head;
  const bool without_logits = rows <= head_rows_without_logits && head.soft_cap == 0.0F && linears_->fuse({&one, 1});
  auto found = without_logits ? linears_->find_best(head, *best) : find_best_of_tiles(rows, head, *best);
  if (!found) return found;
  std::vector<BestTwo> host(picked.size());
  auto done = device_->finish(device_->download(host.data(), *best, host.size() * sizeof(BestTwo)), "the head");
  if (!done) return done;
  for (std::size_t row = 0; row < top.size(); ++row) {
    if (host[row].best == no_logit) {
      return fail(ErrorCode::invalid_argument,
                  "The model gave no finite logits; check its weights, or compute in FP32 or BF16.");
    }
    top[row] = {host[row].id, host[row].best, host[row].best - host[row].second};
  }
  return {};
}

Result<void> CudaBackend::head_log_probabilities(const Buffer& hidden, std::span<const std::int32_t> picked,
                                                 const Norm& norm, const Linear& head,
                                                 std::span<const std::int32_t> targets,
                                                 std::span<double> log_probabilities) {
  if (auto valid = check_span(targets.size(), picked.size(), "targets"); !valid) return valid;
  if (auto valid = check_ids(targets, head.weight->rows, "Target id"); !valid) return valid;
  if (auto valid = check_head(hidden, picked, head, log_probabilities.size()); !valid) return valid;
  return for_rows(picked.size(), [&](std::size_t first, std::size_t rows) {
    return head_log_probability_rows(hidden, picked.subspan(first, rows), norm, head, targets.subspan(first, rows),
                                     log_probabilities.subspan(first, rows));
  });
}

Result<void> CudaBackend::head_log_probability_rows(const Buffer& hidden, std::span<const std::int32_t> picked,
                                                    const Norm& norm, const Linear& head,
                                                    std::span<const std::int32_t> targets,
                                                    std::span<double> log_probabilities) {
  if (auto ready = begin_head(hidden, picked, norm); !ready) return ready;
  const std::int64_t rows = std::ssize(picked);
  const std::int64_t per_row = head_parts_per_row(head.weight->rows);
  const auto ids = targets_.place(*device_, targets);
  if (!ids) return tl::unexpected(ids.error());
  const auto parts = scratch_[ScratchUse::head_parts].reserve<PartialSum>(*device_, rows * per_row);
  if (!parts) return tl::unexpected(parts.error());
  const auto results = scratch_[ScratchUse::head_results].reserve<double>(*device_, rows);
  if (!results) return tl::unexpected(results.error());
  auto done = run_head(rows, head, [&](const float* logits, std::int64_t first, std::int64_t outputs) {
    const LogitTile tile{logits, rows, outputs, first, per_row};
    return device_->queued(sum_exponentials(device_->stream(), tile, *ids, *parts), "the head");
  });
  if (!done) return done;
  cudaError_t status = combine_sums(device_->stream(), *parts, rows, per_row, *results);
  if (status == cudaSuccess) {
    status = device_->download(log_probabilities.data(), *results, log_probabilities.size_bytes());
  }
  return device_->finish(status, "the head");
}

Result<void> CudaBackend::head_pair(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                                    std::span<HeadPair> pairs) {
  if (auto valid = check_head_pair(base, other, targets, pairs.size()); !valid) return valid;
  return for_rows(targets.size(), [&](std::size_t first, std::size_t rows) {
    const auto part = [&](const HeadRows& side) {
      return HeadRows{side.hidden, side.picked.subspan(first, rows), side.norm, side.head};
    };
    return head_pair_rows(part(base), part(other), targets.subspan(first, rows), pairs.subspan(first, rows));
  });
}

Result<CudaBackend::PairSide> CudaBackend::pair_side(const HeadRows& rows, PlacedValues<std::int32_t>& picked,
                                                     ScratchUse logits) {
  const auto ids = picked.place(*device_, rows.picked);
  if (!ids) return tl::unexpected(ids.error());
  const std::int64_t outputs = std::min(head_tile_outputs, rows.head.weight->rows);
  const auto memory = scratch_[logits].reserve<float>(*device_, std::ssize(rows.picked) * outputs);
  if (!memory) return tl::unexpected(memory.error());
  return PairSide{&rows, *ids, *memory};
}

Result<void> CudaBackend::multiply_side(const PairSide& side, std::int64_t first, std::int64_t outputs) {
  const std::int64_t rows = std::ssize(side.rows->picked);
  if (auto ready = read_normalized(*side.rows->hidden, rows, side.rows->norm, side.picked); !ready) return ready;
  return multiply_head(side.rows->head, rows, side.logits, first, outputs);
}

Result<void> CudaBackend::head_pair_rows(const HeadRows& base, const HeadRows& other,
                                         std::span<const std::int32_t> targets, std::span<HeadPair> pairs) {
  if (auto ready = device_->begin(); !ready) return ready;
  const auto base_side = pair_side(base, base_picked_, ScratchUse::base_logits);
  if (!base_side) return tl::unexpected(base_side.error());
  const auto other_side = pair_side(other, picked_, ScratchUse::logits);
  if (!other_side) return tl::unexpected(other_side.error());
  const auto ids = targets_.place(*device_, targets);
  if (!ids) return tl::unexpected(ids.error());
  const std::int64_t rows = std::ssize(targets);
  const std::int64_t per_row = head_parts_per_row(base.head.weight->rows);
  const auto parts = scratch_[ScratchUse::head_parts].reserve<PairPart>(*device_, rows * per_row);
  if (!parts) return tl::unexpected(parts.error());
  const auto results = scratch_[ScratchUse::head_results].reserve<PairResult>(*device_, rows);
  if (!results) return tl::unexpected(results.error());
  const std::int64_t vocabulary = base.head.weight->rows;
  for (std::int64_t first = 0; first < vocabulary; first += head_tile_outputs) {
    const std::int64_t outputs = std::min(head_tile_outputs, vocabulary - first);
    if (auto done = multiply_side(*base_side, first, outputs); !done) return done;
    if (auto done = multiply_side(*other_side, first, outputs); !done) return done;
    const LogitTile base_tile{base_side->logits, rows, outputs, first, per_row};
    const LogitTile other_tile{other_side->logits, rows, outputs, first, per_row};
    auto done = device_->queued(compare_logits(device_->stream(), base_tile, other_tile, *ids, *parts), "the head");
    if (!done) return done;
  }
  std::vector<PairResult> host(targets.size());
  cudaError_t status = combine_pairs(device_->stream(), *parts, rows, per_row, *results);
  if (status == cudaSuccess) status = device_->download(host.data(), *results, host.size() * sizeof(PairResult));
  if (auto done = device_->finish(status, "the head"); !done) return done;
  return take_pairs(host, pairs);
}

}  // namespace quantscope::cuda
