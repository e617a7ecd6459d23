// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/head_kernels.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/operation_checks.h"

/// The head: final norm, vocabulary matrix in tiles, and what becomes of the logits.
namespace quantscope::cuda {
namespace {
constexpr std::int64_t tile_outputs = 32 * logits_per_part;
// Bounds the logits of a tile to 8 MiB and the parts of all tiles to a few more.
constexpr std::size_t rows_at_once = 256;

std::int64_t parts_per_row(const Linear& head) { return (head.weight->rows + logits_per_part - 1) / logits_per_part; }

/// Calls body(first, count) for all picked rows, some at a time.
template <class Body>
Result<void> for_rows(std::size_t rows, const Body& body) {
  for (std::size_t first = 0; first < rows; first += rows_at_once) {
    if (auto done = body(first, std::min(rows_at_once, rows - first)); !done) return done;
  }
  return {};
}

template <class Part>
std::span<const Part> parts_of_row(const TaggedBuffer& parts, std::size_t row, std::int64_t per_row) {
  return parts.as<Part>().subspan(row * static_cast<std::size_t>(per_row), static_cast<std::size_t>(per_row));
}
}  // namespace

Result<void> CudaBackend::run_head(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                   const Linear& head, const LogitSink& sink) {
  if (auto ready = device_->begin(); !ready) return ready;
  const std::int64_t rows = std::ssize(picked);
  const auto ids = ids_.upload(*device_, picked.data(), rows);
  if (!ids) return tl::unexpected(ids.error());
  const auto values = normalize(hidden, rows, norm, *ids);
  if (!values) return tl::unexpected(values.error());
  if (auto ready = linears_.prepare(*values, rows, head); !ready) return ready;
  const std::int64_t vocabulary = head.weight->rows;
  const auto logits = logits_.reserve<float>(*device_, rows * std::min(tile_outputs, vocabulary));
  if (!logits) return tl::unexpected(logits.error());
  for (std::int64_t first = 0; first < vocabulary; first += tile_outputs) {
    const std::int64_t outputs = std::min(tile_outputs, vocabulary - first);
    if (auto done = linears_.multiply({*logits, outputs, first, outputs, false}); !done) return done;
    if (head.soft_cap != 0.0F) {
      auto done = device_->finish(cap_values(device_->stream(), *logits, rows * outputs, head.soft_cap), "the head");
      if (!done) return done;
    }
    if (auto done = sink(*logits, first, outputs); !done) return done;
  }
  return {};
}

Result<void> CudaBackend::head_logits(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                      const Linear& head, std::span<float> logits) {
  const auto vocabulary = static_cast<std::size_t>(head.weight->rows);
  if (auto valid = check_span(logits.size(), picked.size() * vocabulary, "logits"); !valid) return valid;
  if (auto valid = check_head(hidden, picked, head, picked.size()); !valid) return valid;
  return for_rows(picked.size(), [&](std::size_t first_row, std::size_t rows) {
    float* const target = logits.data() + first_row * vocabulary;
    return run_head(hidden, picked.subspan(first_row, rows), norm, head,
                    [&](const float* tile, std::int64_t first_id, std::int64_t outputs) {
                      const std::size_t bytes = 4 * static_cast<std::size_t>(outputs);
                      cudaError_t status = cudaSuccess;
                      for (std::size_t row = 0; row < rows && status == cudaSuccess; ++row) {
                        status = device_->download(target + row * vocabulary + static_cast<std::size_t>(first_id),
                                                   tile + row * static_cast<std::size_t>(outputs), bytes);
                      }
                      return device_->finish(status, "the head");
                    });
  });
}

template <class Part, class Fill>
Result<TaggedBuffer> CudaBackend::gather_parts(std::int64_t count, const Fill& fill) {
  if (auto ready = device_->begin(); !ready) return tl::unexpected(ready.error());
  const auto parts = parts_.reserve<Part>(*device_, count);
  if (!parts) return tl::unexpected(parts.error());
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(Part);
  auto host = TaggedBuffer::allocate(device_->host_ledger(), MemoryTag::workspace, bytes);
  if (!host) return host;
  if (auto filled = fill(*parts); !filled) return tl::unexpected(filled.error());
  auto done = device_->finish(device_->download(host->data(), *parts, bytes), "the head");
  if (!done) return tl::unexpected(done.error());
  return host;
}

Result<void> CudaBackend::head_top(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                   const Linear& head, std::span<TopToken> top) {
  if (auto valid = check_head(hidden, picked, head, top.size()); !valid) return valid;
  return for_rows(picked.size(), [&](std::size_t first, std::size_t rows) {
    return head_top_rows(hidden, picked.subspan(first, rows), norm, head, top.subspan(first, rows));
  });
}

Result<void> CudaBackend::head_top_rows(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                        const Linear& head, std::span<TopToken> top) {
  const std::int64_t rows = std::ssize(picked);
  const std::int64_t per_row = parts_per_row(head);
  const auto host = gather_parts<BestTwo>(rows * per_row, [&](BestTwo* parts) {
    return run_head(hidden, picked, norm, head, [&](const float* logits, std::int64_t first, std::int64_t outputs) {
      return device_->finish(find_best(device_->stream(), {logits, rows, outputs, first, per_row}, parts), "the head");
    });
  });
  if (!host) return tl::unexpected(host.error());
  for (std::size_t row = 0; row < top.size(); ++row) {
    const BestTwo best = combine(parts_of_row<BestTwo>(*host, row, per_row));
    if (best.best == no_logit) {
      return fail(ErrorCode::invalid_argument,
                  "The model gave no finite logits; check its weights, or compute in FP32 or BF16.");
    }
    top[row] = {best.id, best.best, best.best - best.second};
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
  const std::int64_t rows = std::ssize(picked);
  const std::int64_t per_row = parts_per_row(head);
  if (auto ready = device_->begin(); !ready) return ready;
  const auto ids = targets_.upload(*device_, targets.data(), rows);
  if (!ids) return tl::unexpected(ids.error());
  const auto host = gather_parts<PartialSum>(rows * per_row, [&](PartialSum* parts) {
    return run_head(hidden, picked, norm, head, [&](const float* logits, std::int64_t first, std::int64_t outputs) {
      const LogitTile tile{logits, rows, outputs, first, per_row};
      return device_->finish(sum_exponentials(device_->stream(), tile, *ids, parts), "the head");
    });
  });
  if (!host) return tl::unexpected(host.error());
  for (std::size_t row = 0; row < log_probabilities.size(); ++row) {
    log_probabilities[row] = log_probability(parts_of_row<PartialSum>(*host, row, per_row));
  }
  return {};
}

}  // namespace quantscope::cuda
