// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <array>

#include "kernels/cuda/attention_kernels.h"
#include "kernels/cuda/attention_paths.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/decode_kernels.h"
#include "kernels/cuda/prompt_attention.h"
#include "kernels/cuda/rope_kernels.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/operation_checks.h"

/// The fused operations of CudaBackend.
namespace quantscope::cuda {
namespace {
/// Passes of this many rows are worth recording: longer ones keep the GPU busy while the host queues the next kernel.
constexpr std::int64_t largest_recorded_rows = 64;

bool one_row_each(std::span<const SequenceRows> sequences) {
  return std::ranges::all_of(sequences, [](const SequenceRows& sequence) { return sequence.row_count == 1; });
}
}  // namespace

Result<void> CudaBackend::read_normalized(const Buffer& input, std::int64_t rows, const Norm& norm,
                                          const std::int32_t* picked) {
  if (auto valid = check_norm(norm, input); !valid) return valid;
  linears_->begin({values_of(input), picked, rows, input.columns, as_cuda(*norm.weight).vector(), norm.epsilon,
                   norm.weight_offset});
  return {};
}

Result<void> CudaBackend::show(const Tap* tap, std::span<const Linear* const> linears, std::int64_t rows) {
  if (tap == nullptr || !*tap) return {};
  const auto values = linears_->values();
  if (!values) return tl::unexpected(values.error());
  const auto count = static_cast<std::size_t>(rows * linears.front()->weight->columns);
  auto host = TaggedBuffer::allocate(device_->host_ledger(), MemoryTag::workspace, 4 * count);
  if (!host) return tl::unexpected(host.error());
  auto done = device_->finish(device_->download(host->data(), *values, 4 * count), "reading activations");
  if (!done) return done;
  for (const Linear* linear : linears) (*tap)(*linear, host->as<float>(), rows);
  return {};
}

Result<void> CudaBackend::embed(const Weight& table, std::span<const std::int32_t> ids, ComputeType compute,
                                Buffer& hidden) {
  if (auto valid = check_embed(table, ids, hidden); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  const auto placed = ids_.place(*device_, ids);
  if (!placed) return tl::unexpected(placed.error());
  const RowsArguments rows{as_cuda(table).view(), *placed, 0, std::ssize(ids), compute, false, values_of(hidden)};
  return device_->queued(decode_rows(device_->stream(), rows), "the embedding");
}

Result<void> CudaBackend::scale(Buffer& buffer, std::int64_t rows, float factor) {
  if (auto valid = check_scale(buffer, rows); !valid) return valid;
  if (auto ready = device_->begin(); !ready) return ready;
  return device_->queued(scale_values(device_->stream(), values_of(buffer), rows * buffer.columns, factor),
                         "the embedding");
}

Result<void> CudaBackend::norm_linears(const Buffer& input, std::int64_t rows, const Norm& norm,
                                       std::span<const LinearOutput> outputs, const Tap* tap) {
  std::vector<const Linear*> linears;
  std::vector<float*> targets;
  for (const LinearOutput& output : outputs) {
    if (auto valid = check_input(input, rows, *output.linear.weight); !valid) return valid;
    if (auto valid = check_output(*output.output, rows, *output.linear.weight); !valid) return valid;
    linears.push_back(&output.linear);
    targets.push_back(values_of(*output.output));
  }
  if (linears.empty() || rows == 0) return {};
  if (auto ready = device_->begin(); !ready) return ready;
  if (auto ready = read_normalized(input, rows, norm, nullptr); !ready) return ready;
  if (auto shown = show(tap, linears, rows); !shown) return shown;
  if (linears.size() <= largest_part_count && linears_->fuse(linears)) {
    return linears_->multiply_fused(linears, targets, FewRowsResult::store);
  }
  for (std::size_t i = 0; i < linears.size(); ++i) {
    const std::int64_t width = linears[i]->weight->rows;
    if (auto done = linears_->multiply(*linears[i], {targets[i], width, 0, width, false}); !done) return done;
  }
  return {};
}

Result<void> CudaBackend::linear_add(const Buffer& input, std::int64_t rows, const Linear& linear, Buffer& residual,
                                     const Tap* tap) {
  if (auto valid = check_input(input, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_output(residual, rows, *linear.weight); !valid) return valid;
  if (rows == 0) return {};
  if (auto ready = device_->begin(); !ready) return ready;
  linears_->begin({values_of(input), nullptr, rows, input.columns, nullptr, 0.0F, 0.0F});
  const Linear* const one = &linear;
  if (auto shown = show(tap, {&one, 1}, rows); !shown) return shown;
  const std::int64_t width = linear.weight->rows;
  return linears_->multiply(linear, {values_of(residual), width, 0, width, true});
}

Result<void> CudaBackend::normalize(const float* input, std::int64_t rows, const Norm& norm, float* output) {
  PrepareArguments arguments;
  arguments.input = input;
  arguments.rows = rows;
  arguments.columns = norm.weight->columns;
  arguments.norm = as_cuda(*norm.weight).vector();
  arguments.epsilon = norm.epsilon;
  arguments.norm_offset = norm.weight_offset;
  arguments.wide = output;
  return device_->queued(prepare_rows(device_->stream(), arguments), "a norm");
}

Result<void> CudaBackend::linear_norm_add(const Buffer& input, std::int64_t rows, const Linear& linear,
                                          const Norm& norm, Buffer& residual, const Tap* tap) {
  if (auto valid = check_input(input, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_output(residual, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_norm(norm, residual); !valid) return valid;
  if (rows == 0) return {};
  if (auto ready = device_->begin(); !ready) return ready;
  linears_->begin({values_of(input), nullptr, rows, input.columns, nullptr, 0.0F, 0.0F});
  const Linear* const one = &linear;
  if (auto shown = show(tap, {&one, 1}, rows); !shown) return shown;
  const std::int64_t width = residual.columns;
  const auto products = scratch_[ScratchUse::gate].reserve<float>(*device_, rows * width);
  if (!products) return tl::unexpected(products.error());
  if (auto done = linears_->multiply(linear, {*products, width, 0, width, false}); !done) return done;
  if (auto done = normalize(*products, rows, norm, *products); !done) return done;
  return device_->queued(add_values(device_->stream(), *products, rows * width, values_of(residual)), "a norm");
}

Result<void> CudaBackend::norm_gate_up(const Buffer& input, std::int64_t rows, const Norm& norm, const Linear& gate,
                                       const Linear& up, GateActivation activation, Buffer& output, const Tap* tap) {
  if (auto valid = check_input(input, rows, *gate.weight); !valid) return valid;
  if (auto valid = check_output(output, rows, *gate.weight); !valid) return valid;
  if (auto valid = check_pair(*gate.weight, *up.weight); !valid) return valid;
  if (rows == 0) return {};
  if (auto ready = device_->begin(); !ready) return ready;
  if (auto ready = read_normalized(input, rows, norm, nullptr); !ready) return ready;
  const std::array<const Linear*, 2> both = {&gate, &up};
  if (auto shown = show(tap, both, rows); !shown) return shown;
  if (linears_->fuse(both)) {
    const std::array<float*, 2> targets = {values_of(output), values_of(output)};
    return linears_->multiply_fused(both, targets, FewRowsResult::gate, activation);
  }
  return gate_apart(gate, up, activation, rows, values_of(output));
}

Result<void> CudaBackend::gate_apart(const Linear& gate, const Linear& up, GateActivation activation, std::int64_t rows,
                                     float* output) {
  const std::int64_t width = gate.weight->rows;
  const auto gates = scratch_[ScratchUse::gate].reserve<float>(*device_, rows * width);
  if (!gates) return tl::unexpected(gates.error());
  const auto ups = scratch_[ScratchUse::up].reserve<float>(*device_, rows * width);
  if (!ups) return tl::unexpected(ups.error());
  if (auto done = linears_->multiply(gate, {*gates, width, 0, width, false}); !done) return done;
  if (auto done = linears_->multiply(up, {*ups, width, 0, width, false}); !done) return done;
  return device_->queued(gate_values(device_->stream(), *gates, *ups, rows * width, activation, output), "the gate");
}

Result<const float*> CudaBackend::normalize_heads(Buffer& q, const Buffer& k, const AttentionShape& shape,
                                                  std::span<const SequenceRows> sequences) {
  std::int64_t rows = 0;
  for (const SequenceRows& sequence : sequences) rows = std::max(rows, sequence.first_row + sequence.row_count);
  if (shape.query_norm.weight != nullptr) {
    auto done = normalize(values_of(q), rows * shape.heads, shape.query_norm, values_of(q));
    if (!done) return tl::unexpected(done.error());
  }
  if (shape.key_norm.weight == nullptr) return values_of(k);
  const auto keys = scratch_[ScratchUse::keys].reserve<float>(*device_, rows * k.columns);
  if (!keys) return tl::unexpected(keys.error());
  auto done = normalize(values_of(k), rows * shape.kv_heads, shape.key_norm, *keys);
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
  if (auto ready = batch_.place(*device_, sequences, storage.shape, row_capacity); !ready) return ready;
  const auto frequencies = frequencies_.place(*device_, inverse_frequencies);
  if (!frequencies) return tl::unexpected(frequencies.error());
  const auto keys = normalize_heads(q, k, shape, sequences);
  if (!keys) return tl::unexpected(keys.error());
  const RopeArguments arguments{batch_.batch(shape), values_of(q), *keys,
                                values_of(v),        *frequencies, static_cast<CudaKvStorage&>(storage).view()};
  return device_->queued(rotate_and_append(device_->stream(), arguments), "the KV cache");
}

Result<void> CudaBackend::attend_single_rows(const float* q, const AttentionShape& shape, const KvView& cache,
                                             bool one_sequence, float* output) {
  AttentionArguments arguments;
  arguments.batch = batch_.single_rows(shape);
  if (arguments.batch.count == 0) return {};
  arguments.q = q;
  arguments.cache = cache;
  arguments.scale = shape.scale;
  arguments.window = shape.window;
  arguments.soft_cap = shape.soft_cap;
  arguments.output = output;
  arguments.one_sequence = one_sequence;
  arguments.chunks = attention_chunks(arguments.batch.count, batch_.planned_positions());
  if (arguments.chunks > 1) {
    const auto partials = scratch_[ScratchUse::attention_parts].reserve<float>(
        *device_, arguments.batch.count * shape.heads * arguments.chunks * (shape.head_dim + 2));
    if (!partials) return tl::unexpected(partials.error());
    arguments.partials = *partials;
    const auto arrivals = scratch_[ScratchUse::attention_arrivals].reserve<unsigned>(
        *device_, arguments.batch.count * attention_head_groups(shape.heads, shape.kv_heads));
    if (!arrivals) return tl::unexpected(arrivals.error());
    arguments.arrivals = *arrivals;
  }
  return device_->queued(attend(device_->stream(), arguments), "attention");
}

Result<void> CudaBackend::attention(const Buffer& q, const AttentionShape& shape,
                                    std::span<const SequenceRows> sequences, const KvStorage& storage, Buffer& output) {
  if (auto valid = check_attention(shape, storage.shape); !valid) return valid;
  if (auto valid = check_queries(q, output, shape); !valid) return valid;
  if (shape.head_dim > largest_head_dim) {
    return fail(ErrorCode::unsupported, "The CUDA device knows heads of up to 256 values; use the CPU.");
  }
  if (auto ready = device_->begin(); !ready) return ready;
  const std::int64_t row_capacity = std::min(q.row_capacity, output.row_capacity);
  if (auto ready = batch_.place(*device_, sequences, storage.shape, row_capacity); !ready) return ready;
  const KvView cache = static_cast<const CudaKvStorage&>(storage).view();
  if (batch_.tile_count() > 0) {
    const int warp_queries = prompt_warp_queries(shape.head_dim, shape.heads / shape.kv_heads);
    const PromptAttentionArguments prompts{
        batch_.batch(shape), batch_.tiles(), batch_.tile_count(), values_of(q),      cache,
        shape.scale,         shape.window,   shape.soft_cap,      values_of(output), warp_queries};
    auto queued = device_->queued(attend_prompts(device_->stream(), prompts), "attention");
    if (!queued) return queued;
  }
  return attend_single_rows(values_of(q), shape, cache, sequences.size() == 1, values_of(output));
}

Result<void> CudaBackend::run_pass(const PassKey& key, std::span<const std::int32_t> ids,
                                   std::span<const SequenceRows> sequences, const KvStorage& storage,
                                   const std::function<Result<void>()>& operations) {
  if (std::ssize(ids) > largest_recorded_rows || ids.empty() || !one_row_each(sequences)) return operations();
  if (auto ready = device_->begin(); !ready) return ready;
  const auto placed = ids_.place(*device_, ids);
  if (!placed) return tl::unexpected(placed.error());
  if (auto ready = batch_.place(*device_, sequences, storage.shape, std::ssize(ids)); !ready) return ready;
  const PassShape shape{key, std::ssize(ids), batch_.planned_positions(), device_->memory_generation()};
  return passes_.run(*device_, shape, operations);
}

}  // namespace quantscope::cuda
