// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/operation_checks.h"

/// The fused operations of CudaBackend.
namespace quantscope::cuda {
namespace {
constexpr std::int64_t score_bytes_at_once = std::int64_t{64} << 20;

std::int64_t visible_positions(const RowLocation& location, std::int64_t window) {
  const std::int64_t all = location.position + 1;
  return window > 0 ? std::min(all, window) : all;
}
}  // namespace

Result<const float*> CudaBackend::normalize(const Buffer& input, std::int64_t rows, const Norm& norm,
                                            const std::int32_t* picked) {
  if (auto valid = check_norm(norm, input); !valid) return tl::unexpected(valid.error());
  auto values = normalized_.reserve<float>(*device_, rows * input.columns);
  if (!values) return tl::unexpected(values.error());
  if (auto done = normalize_into(values_of(input), rows, norm, picked, *values); !done) {
    return tl::unexpected(done.error());
  }
  return *values;
}

Result<void> CudaBackend::normalize_into(const float* input, std::int64_t rows, const Norm& norm,
                                         const std::int32_t* picked, float* output) {
  auto factors = norm_factors_.reserve<float>(*device_, rows);
  if (!factors) return tl::unexpected(factors.error());
  const NormArguments arguments{
      input,    picked, rows, norm.weight->columns, as_cuda(*norm.weight).view(), norm.epsilon, norm.weight_offset,
      *factors, output};
  const cudaError_t status = normalize_rows(device_->stream(), arguments);
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "a norm"));
  return {};
}

Result<void> CudaBackend::show(const Tap* tap, const Linear& linear, const float* values, std::int64_t rows) {
  if (tap == nullptr || !*tap) return {};
  const auto count = static_cast<std::size_t>(rows * linear.weight->columns);
  auto host = TaggedBuffer::allocate(device_->host_ledger(), MemoryTag::workspace, 4 * count);
  if (!host) return tl::unexpected(host.error());
  auto done = device_->finish(device_->download(host->data(), values, 4 * count), "reading activations");
  if (!done) return done;
  (*tap)(linear, host->as<float>(), rows);
  return {};
}

Result<void> CudaBackend::multiply(const float* input, std::int64_t rows, const Linear& linear, float* output,
                                   bool add) {
  if (auto ready = linears_.prepare(input, rows, linear); !ready) return ready;
  const std::int64_t outputs = linear.weight->rows;
  return linears_.multiply({output, outputs, 0, outputs, add});
}

Result<void> CudaBackend::embed(const Weight& table, std::span<const std::int32_t> ids, ComputeType compute,
                                Buffer& hidden) {
  if (auto valid = check_embed(table, ids, hidden); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  const auto uploaded = ids_.upload(*device_, ids.data(), std::ssize(ids));
  if (!uploaded) return tl::unexpected(uploaded.error());
  const cudaError_t status =
      embed_rows(device_->stream(), as_cuda(table).view(), *uploaded, std::ssize(ids), compute, values_of(hidden));
  return device_->finish(status, "the embedding");
}

Result<void> CudaBackend::scale(Buffer& buffer, std::int64_t rows, float factor) {
  if (auto valid = check_scale(buffer, rows); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  return device_->finish(scale_values(device_->stream(), values_of(buffer), rows * buffer.columns, factor),
                         "the embedding");
}

Result<void> CudaBackend::norm_linears(const Buffer& input, std::int64_t rows, const Norm& norm,
                                       std::span<const LinearOutput> outputs, const Tap* tap) {
  for (const LinearOutput& output : outputs) {
    if (auto valid = check_input(input, rows, *output.linear.weight); !valid) return valid;
    if (auto valid = check_output(*output.output, rows, *output.linear.weight); !valid) return valid;
  }
  if (auto ready = device_->begin(); !ready) return ready;
  const auto values = normalize(input, rows, norm, nullptr);
  if (!values) return tl::unexpected(values.error());
  for (const LinearOutput& output : outputs) {
    if (auto shown = show(tap, output.linear, *values, rows); !shown) return shown;
  }
  for (const LinearOutput& output : outputs) {
    auto done = multiply(*values, rows, output.linear, values_of(*output.output), false);
    if (!done) return done;
  }
  return {};
}

Result<void> CudaBackend::linear_add(const Buffer& input, std::int64_t rows, const Linear& linear, Buffer& residual,
                                     const Tap* tap) {
  if (auto valid = check_input(input, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_output(residual, rows, *linear.weight); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  if (auto shown = show(tap, linear, values_of(input), rows); !shown) return shown;
  return multiply(values_of(input), rows, linear, values_of(residual), true);
}

Result<void> CudaBackend::linear_norm_add(const Buffer& input, std::int64_t rows, const Linear& linear,
                                          const Norm& norm, Buffer& residual, const Tap* tap) {
  if (auto valid = check_input(input, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_output(residual, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_norm(norm, residual); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  if (auto shown = show(tap, linear, values_of(input), rows); !shown) return shown;
  const std::int64_t count = rows * residual.columns;
  const auto products = gate_.reserve<float>(*device_, count);
  if (!products) return tl::unexpected(products.error());
  if (auto done = multiply(values_of(input), rows, linear, *products, false); !done) return done;
  if (auto done = normalize_into(*products, rows, norm, nullptr, *products); !done) return done;
  return device_->finish(add_values(device_->stream(), *products, count, values_of(residual)), "a norm");
}

Result<void> CudaBackend::norm_gate_up(const Buffer& input, std::int64_t rows, const Norm& norm, const Linear& gate,
                                       const Linear& up, GateActivation activation, Buffer& output, const Tap* tap) {
  if (auto valid = check_input(input, rows, *gate.weight); !valid) return valid;
  if (auto valid = check_output(output, rows, *gate.weight); !valid) return valid;
  if (auto valid = check_pair(*gate.weight, *up.weight); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  const auto values = normalize(input, rows, norm, nullptr);
  if (!values) return tl::unexpected(values.error());
  if (auto shown = show(tap, gate, *values, rows); !shown) return shown;
  if (auto shown = show(tap, up, *values, rows); !shown) return shown;
  const std::int64_t count = rows * gate.weight->rows;
  const auto gates = gate_.reserve<float>(*device_, count);
  if (!gates) return tl::unexpected(gates.error());
  const auto ups = up_.reserve<float>(*device_, count);
  if (!ups) return tl::unexpected(ups.error());
  if (auto done = multiply(*values, rows, gate, *gates, false); !done) return done;
  if (auto done = multiply(*values, rows, up, *ups, false); !done) return done;
  return device_->finish(gate_values(device_->stream(), *gates, *ups, count, activation, values_of(output)),
                         "the gate");
}

Result<void> CudaBackend::place(std::span<const SequenceRows> sequences, const AttentionShape& shape,
                                const KvShape& cache, std::int64_t row_capacity, PlacedBatch& placed) {
  const auto places = place_rows(sequences, cache, row_capacity);
  if (!places) return tl::unexpected(places.error());
  for (const SequenceRows& sequence : sequences) {
    const std::int64_t first_page = std::ssize(placed.pages);
    placed.pages.insert(placed.pages.end(), sequence.pages.begin(), sequence.pages.end());
    for (std::int64_t i = 0; i < sequence.row_count; ++i) {
      placed.locations.push_back({sequence.first_row + i, sequence.first_position + i, first_page});
    }
  }
  const auto locations = locations_.upload(*device_, placed.locations.data(), std::ssize(placed.locations));
  if (!locations) return tl::unexpected(locations.error());
  const auto pages = pages_.upload(*device_, placed.pages.data(), std::ssize(placed.pages));
  if (!pages) return tl::unexpected(pages.error());
  placed.batch = {*locations, std::ssize(placed.locations), *pages, shape.layer, shape.heads};
  return {};
}

/// Normalizes the queries in place; the keys, normalized if there is a norm for them.
Result<const float*> CudaBackend::normalize_heads(Buffer& q, const Buffer& k, const AttentionShape& shape,
                                                  std::span<const SequenceRows> sequences) {
  std::int64_t rows = 0;
  for (const SequenceRows& sequence : sequences) rows = std::max(rows, sequence.first_row + sequence.row_count);
  if (shape.query_norm.weight != nullptr) {
    auto done = normalize_into(values_of(q), rows * shape.heads, shape.query_norm, nullptr, values_of(q));
    if (!done) return tl::unexpected(done.error());
  }
  if (shape.key_norm.weight == nullptr) return values_of(k);
  auto keys = normalized_.reserve<float>(*device_, rows * k.columns);
  if (!keys) return tl::unexpected(keys.error());
  auto done = normalize_into(values_of(k), rows * shape.kv_heads, shape.key_norm, nullptr, *keys);
  if (!done) return tl::unexpected(done.error());
  return *keys;
}

Result<void> CudaBackend::rope_append(Buffer& q, const Buffer& k, const Buffer& v, const AttentionShape& shape,
                                      std::span<const float> inverse_frequencies,
                                      std::span<const SequenceRows> sequences, KvStorage& storage) {
  if (auto valid = check_attention(shape, storage.shape); !valid) return valid;
  if (auto valid = check_rope(q, k, v, shape, inverse_frequencies); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  const std::int64_t row_capacity = std::min({q.row_capacity, k.row_capacity, v.row_capacity});
  PlacedBatch placed;
  if (auto ready = place(sequences, shape, storage.shape, row_capacity, placed); !ready) return ready;
  const auto frequencies = frequencies_.upload(*device_, inverse_frequencies.data(), std::ssize(inverse_frequencies));
  if (!frequencies) return tl::unexpected(frequencies.error());
  const auto keys = normalize_heads(q, k, shape, sequences);
  if (!keys) return tl::unexpected(keys.error());
  const RopeArguments arguments{placed.batch,
                                values_of(q),
                                *keys,
                                values_of(v),
                                inverse_frequencies.empty() ? nullptr : *frequencies,
                                static_cast<CudaKvStorage&>(storage).view()};
  return device_->finish(rotate_and_append(device_->stream(), arguments), "the KV cache");
}

Result<void> CudaBackend::attention(const Buffer& q, const AttentionShape& shape,
                                    std::span<const SequenceRows> sequences, const KvStorage& storage, Buffer& output) {
  if (auto valid = check_attention(shape, storage.shape); !valid) return valid;
  if (auto valid = check_queries(q, output, shape); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  PlacedBatch placed;
  const std::int64_t row_capacity = std::min(q.row_capacity, output.row_capacity);
  if (auto ready = place(sequences, shape, storage.shape, row_capacity, placed); !ready) return ready;

  AttentionArguments arguments;
  arguments.batch = placed.batch;
  arguments.q = values_of(q);
  arguments.cache = static_cast<const CudaKvStorage&>(storage).view();
  arguments.scale = shape.scale;
  arguments.window = shape.window;
  arguments.soft_cap = shape.soft_cap;
  arguments.output = values_of(output);
  for (const RowLocation& location : placed.locations) {
    arguments.score_stride = std::max(arguments.score_stride, visible_positions(location, shape.window));
  }
  return attend_in_parts(arguments);
}

Result<void> CudaBackend::attend_in_parts(AttentionArguments arguments) {
  const std::int64_t rows = arguments.batch.count;
  const std::int64_t row_scores = arguments.batch.heads * arguments.score_stride;
  const std::int64_t at_once = std::clamp<std::int64_t>(score_bytes_at_once / 4 / std::max<std::int64_t>(1, row_scores),
                                                        1, std::max<std::int64_t>(1, rows));
  const auto scores = scores_.reserve<float>(*device_, at_once * row_scores);
  if (!scores) return tl::unexpected(scores.error());
  const auto sums = score_sums_.reserve<float>(*device_, at_once * arguments.batch.heads);
  if (!sums) return tl::unexpected(sums.error());
  arguments.scores = *scores;
  arguments.sums = *sums;
  const RowLocation* const locations = arguments.batch.locations;
  for (std::int64_t first = 0; first < rows; first += at_once) {
    if (device_->stop_token().stop_requested()) return cancelled();
    arguments.batch.locations = locations + first;
    arguments.batch.count = std::min(at_once, rows - first);
    if (auto done = device_->finish(attend(device_->stream(), arguments), "attention"); !done) return done;
  }
  return {};
}

}  // namespace quantscope::cuda
