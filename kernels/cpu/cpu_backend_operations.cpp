// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/cpu_backend_impl.h"
#include "kernels/cpu/cpu_buffer.h"
#include "kernels/cpu/cpu_weight.h"
#include "kernels/cpu/head.h"
#include "kernels/cpu/norm_rope.h"
#include "kernels/cpu/reference/decode.h"
#include "kernels/formats/half.h"

/// The fused operations of CpuBackend.
namespace quantscope {
namespace {
LinearGroup group_of(const Linear& linear) { return {{&linear, nullptr}, 1}; }

/// Normalizes and rotates the queries of one row in place and keeps its keys, treated likewise, and its values.
/// `scratch` holds 2 * inverse_frequencies.size() + 2 * head_dim values.
struct RopeRow {
  const AttentionShape& shape;
  std::span<const float> query_weights, key_weights;  // of the head norms; empty without one
  std::span<const float> inverse_frequencies;
  CpuKvStorage& cache;

  void run(const RowPlace& place, float* q, const float* k, const float* v, float* scratch) const {
    const std::int64_t half = std::ssize(inverse_frequencies);
    float* const head_scratch = scratch + 2 * half;
    rotation_of(place.position, inverse_frequencies, scratch, scratch + half);
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      float* const head = q + h * shape.head_dim;
      const float* ready = prepare(head, shape.query_norm, query_weights, scratch, head_scratch);
      if (ready != head) std::copy_n(ready, shape.head_dim, head);
    }
    const std::int64_t page_tokens = cache.shape.page_tokens;
    const std::int32_t page = place.pages[static_cast<std::size_t>(place.position / page_tokens)];
    for (std::int64_t h = 0; h < shape.kv_heads; ++h) {
      const float* key = prepare(k + h * shape.head_dim, shape.key_norm, key_weights, scratch, head_scratch);
      cache.put(shape.layer, page, h, place.position % page_tokens, key, v + h * shape.head_dim);
    }
  }

 private:
  /// The head, normalized and rotated as far as asked for; in `scratch` (two heads) unless nothing was.
  const float* prepare(const float* head, const Norm& norm, std::span<const float> weights, const float* rotation,
                       float* scratch) const {
    const std::int64_t half = std::ssize(inverse_frequencies);
    if (!weights.empty()) {
      rms_norm_row({head, weights.size()}, weights, norm.epsilon, scratch);
      head = scratch;
    }
    if (half == 0) return head;
    rotate_head(head, rotation, rotation + half, half, scratch + shape.head_dim);
    return scratch + shape.head_dim;
  }
};

/// body(first, count) for blocks of at most head_rows_at_once rows until one fails.
template <class Body>
Result<void> in_row_blocks(std::size_t rows, const Body& body) {
  constexpr auto most = static_cast<std::size_t>(head_rows_at_once);
  for (std::size_t first = 0; first < rows; first += most) {
    if (auto done = body(first, std::min(most, rows - first)); !done) return done;
  }
  return {};
}

void show(const Tap* tap, const Linear& linear, const float* values, std::int64_t rows) {
  if (tap == nullptr || !*tap) return;
  (*tap)(linear, {values, static_cast<std::size_t>(rows * linear.weight->columns)}, rows);
}
}  // namespace

Result<std::span<const float>> CpuBackend::norm_weights(const Norm& norm, SharedScratch scratch) {
  if (norm.weight == nullptr) return std::span<const float>();
  auto memory = context_.reserve<float>(scratch, norm.weight->columns);
  if (!memory) return tl::unexpected(memory.error());
  const std::span<float> weights(*memory, static_cast<std::size_t>(norm.weight->columns));
  reference::decode_rows(as_cpu(*norm.weight).tensor(), 0, 1, weights);
  if (norm.weight_offset != 0.0F) {
    for (float& weight : weights) weight += norm.weight_offset;
  }
  return weights;
}

template <class RowOf>
Result<const float*> CpuBackend::normalize(const Buffer& input, std::int64_t rows, const Norm& norm,
                                           SharedScratch scratch, const RowOf& row_of) {
  if (auto valid = check_norm(norm, input); !valid) return tl::unexpected(valid.error());
  const auto columns = static_cast<std::size_t>(input.columns);
  auto weights = norm_weights(norm, SharedScratch::norm_weight);
  if (!weights) return tl::unexpected(weights.error());
  auto values = context_.reserve<float>(scratch, rows * input.columns);
  if (!values) return tl::unexpected(values.error());
  const float* source = values_of(input);
  auto done = context_.for_each(rows, [&](std::int64_t row, int) {
    const std::int64_t from = row_of(row);
    rms_norm_row({source + from * input.columns, columns}, *weights, norm.epsilon, *values + row * input.columns);
  });
  if (!done) return tl::unexpected(done.error());
  return *values;
}

Result<void> CpuBackend::embed(const Weight& table, std::span<const std::int32_t> ids, ComputeType compute,
                               Buffer& hidden) {
  if (auto valid = check_embed(table, ids, hidden); !valid) return valid;
  return context_.for_each(std::ssize(ids), [&](std::int64_t row, int) {
    const std::span<float> values(values_of(hidden) + row * table.columns, static_cast<std::size_t>(table.columns));
    as_cpu(table).decode(ids[static_cast<std::size_t>(row)], 1, values);
    for (float& value : values) value = round_to(compute, value);
  });
}

Result<void> CpuBackend::scale(Buffer& buffer, std::int64_t rows, float factor) {
  if (auto valid = check_scale(buffer, rows); !valid) return valid;
  return context_.for_each(rows, [&](std::int64_t row, int) {
    float* const values = values_of(buffer) + row * buffer.columns;
    for (std::int64_t i = 0; i < buffer.columns; ++i) values[i] *= factor;
  });
}

Result<void> CpuBackend::norm_linears(const Buffer& input, std::int64_t rows, const Norm& norm,
                                      std::span<const LinearOutput> outputs, const Tap* tap) {
  std::vector<LinearGroup> groups;
  for (const LinearOutput& output : outputs) {
    if (auto valid = check_input(input, rows, *output.linear.weight); !valid) return valid;
    if (auto valid = check_output(*output.output, rows, *output.linear.weight); !valid) return valid;
    groups.push_back(group_of(output.linear));
  }
  auto values = normalize(input, rows, norm, SharedScratch::normalized, [](std::int64_t row) { return row; });
  if (!values) return tl::unexpected(values.error());
  for (const LinearOutput& output : outputs) show(tap, output.linear, *values, rows);
  return linears_.run(*values, rows, groups, [&](const ProductTile& tile, int) {
    Buffer& output = *outputs[tile.group].output;
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      std::copy_n(tile.row(0, m), tile.outputs,
                  values_of(output) + (tile.first_row + m) * output.columns + tile.first_output);
    }
  });
}

Result<void> CpuBackend::linear_add(const Buffer& input, std::int64_t rows, const Linear& linear, Buffer& residual,
                                    const Tap* tap) {
  if (auto valid = check_input(input, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_output(residual, rows, *linear.weight); !valid) return valid;
  show(tap, linear, values_of(input), rows);
  const LinearGroup group = group_of(linear);
  return linears_.run(values_of(input), rows, {&group, 1}, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      float* out = values_of(residual) + (tile.first_row + m) * residual.columns + tile.first_output;
      const float* products = tile.row(0, m);
      for (std::int64_t n = 0; n < tile.outputs; ++n) out[n] += products[n];
    }
  });
}

Result<void> CpuBackend::linear_norm_add(const Buffer& input, std::int64_t rows, const Linear& linear, const Norm& norm,
                                         Buffer& residual, const Tap* tap) {
  if (auto valid = check_input(input, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_output(residual, rows, *linear.weight); !valid) return valid;
  if (auto valid = check_norm(norm, residual); !valid) return valid;
  const std::int64_t columns = residual.columns;
  auto products = context_.reserve<float>(SharedScratch::projected, rows * columns);
  if (!products) return tl::unexpected(products.error());
  auto weights = norm_weights(norm, SharedScratch::norm_weight);
  if (!weights) return tl::unexpected(weights.error());
  show(tap, linear, values_of(input), rows);
  const LinearGroup group = group_of(linear);
  auto done = linears_.run(values_of(input), rows, {&group, 1}, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      std::copy_n(tile.row(0, m), tile.outputs, *products + (tile.first_row + m) * columns + tile.first_output);
    }
  });
  if (!done) return done;
  return context_.for_each(rows, [&](std::int64_t row, int) {
    float* const values = *products + row * columns;
    rms_norm_row({values, weights->size()}, *weights, norm.epsilon, values);
    float* const out = values_of(residual) + row * columns;
    for (std::int64_t i = 0; i < columns; ++i) out[i] += values[i];
  });
}

Result<void> CpuBackend::norm_gate_up(const Buffer& input, std::int64_t rows, const Norm& norm, const Linear& gate,
                                      const Linear& up, GateActivation activation, Buffer& output, const Tap* tap) {
  if (auto valid = check_input(input, rows, *gate.weight); !valid) return valid;
  if (auto valid = check_output(output, rows, *gate.weight); !valid) return valid;
  auto values = normalize(input, rows, norm, SharedScratch::normalized, [](std::int64_t row) { return row; });
  if (!values) return tl::unexpected(values.error());
  show(tap, gate, *values, rows);
  show(tap, up, *values, rows);
  const auto gate_multiply = context_.kernels().gate_multiply[static_cast<std::size_t>(activation)];
  const LinearGroup group{{&gate, &up}, 2};
  return linears_.run(*values, rows, {&group, 1}, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      float* out = values_of(output) + (tile.first_row + m) * output.columns + tile.first_output;
      gate_multiply(tile.row(0, m), tile.row(1, m), tile.outputs, out);
    }
  });
}

Result<void> CpuBackend::rope_append(Buffer& q, const Buffer& k, const Buffer& v, const AttentionShape& shape,
                                     std::span<const float> inverse_frequencies,
                                     std::span<const SequenceRows> sequences, KvStorage& storage) {
  if (auto valid = check_attention(shape, storage.shape); !valid) return valid;
  const std::int64_t kv_width = shape.kv_heads * shape.head_dim;
  const std::int64_t half = std::ssize(inverse_frequencies);
  if (auto valid = check_rope(q, k, v, shape, inverse_frequencies); !valid) return valid;
  auto places = place_rows(sequences, storage.shape, std::min({q.row_capacity, k.row_capacity, v.row_capacity}));
  if (!places) return tl::unexpected(places.error());
  auto query_weights = norm_weights(shape.query_norm, SharedScratch::norm_weight);
  if (!query_weights) return tl::unexpected(query_weights.error());
  auto key_weights = norm_weights(shape.key_norm, SharedScratch::key_norm_weight);
  if (!key_weights) return tl::unexpected(key_weights.error());
  const std::int64_t row_scratch = rotation_values(half, shape.head_dim);
  auto scratch = context_.reserve<float>(SharedScratch::rotation, std::ssize(*places) * row_scratch);
  if (!scratch) return tl::unexpected(scratch.error());
  const RopeRow task{shape, *query_weights, *key_weights, inverse_frequencies, static_cast<CpuKvStorage&>(storage)};
  return context_.for_each(std::ssize(*places), [&](std::int64_t index, int) {
    const RowPlace& place = (*places)[static_cast<std::size_t>(index)];
    task.run(place, values_of(q) + place.row * q.columns, values_of(k) + place.row * kv_width,
             values_of(v) + place.row * kv_width, *scratch + index * row_scratch);
  });
}

Result<void> CpuBackend::attention(const Buffer& q, const AttentionShape& shape,
                                   std::span<const SequenceRows> sequences, const KvStorage& storage, Buffer& output) {
  if (auto valid = check_attention(shape, storage.shape); !valid) return valid;
  if (auto valid = check_queries(q, output, shape); !valid) return valid;
  auto places = place_rows(sequences, storage.shape, std::min(q.row_capacity, output.row_capacity));
  if (!places) return tl::unexpected(places.error());
  return attend(context_, values_of(q), shape, *places, static_cast<const CpuKvStorage&>(storage), values_of(output));
}

Result<const float*> CpuBackend::normalize_picked(const HeadRows& rows, SharedScratch scratch) {
  const std::span<const std::int32_t> picked = rows.picked;
  if (auto valid = check_head(*rows.hidden, picked, rows.head, picked.size()); !valid)
    return tl::unexpected(valid.error());
  return normalize(*rows.hidden, std::ssize(picked), rows.norm, scratch,
                   [&](std::int64_t row) { return std::int64_t{picked[static_cast<std::size_t>(row)]}; });
}

Result<void> CpuBackend::head_logits(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                     const Linear& head, std::span<float> logits) {
  const auto vocabulary = static_cast<std::size_t>(head.weight->rows);
  if (auto valid = check_span(logits.size(), picked.size() * vocabulary, "logits"); !valid) return valid;
  return in_row_blocks(picked.size(), [&](std::size_t first, std::size_t count) -> Result<void> {
    auto values = normalize_picked({&hidden, picked.subspan(first, count), norm, head}, SharedScratch::normalized);
    if (!values) return tl::unexpected(values.error());
    return compute_logits(linears_, *values, static_cast<std::int64_t>(count), head,
                          logits.subspan(first * vocabulary, count * vocabulary));
  });
}

Result<void> CpuBackend::head_top(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                  const Linear& head, std::span<TopToken> top) {
  if (auto valid = check_span(top.size(), picked.size(), "results"); !valid) return valid;
  return in_row_blocks(picked.size(), [&](std::size_t first, std::size_t count) -> Result<void> {
    auto values = normalize_picked({&hidden, picked.subspan(first, count), norm, head}, SharedScratch::normalized);
    if (!values) return tl::unexpected(values.error());
    return find_top(context_, linears_, *values, head, top.subspan(first, count));
  });
}

Result<void> CpuBackend::head_log_probabilities(const Buffer& hidden, std::span<const std::int32_t> picked,
                                                const Norm& norm, const Linear& head,
                                                std::span<const std::int32_t> targets,
                                                std::span<double> log_probabilities) {
  if (auto valid = check_span(targets.size(), picked.size(), "targets"); !valid) return valid;
  if (auto valid = check_span(log_probabilities.size(), picked.size(), "results"); !valid) return valid;
  if (auto valid = check_ids(targets, head.weight->rows, "Target id"); !valid) return valid;
  return in_row_blocks(picked.size(), [&](std::size_t first, std::size_t count) -> Result<void> {
    auto values = normalize_picked({&hidden, picked.subspan(first, count), norm, head}, SharedScratch::normalized);
    if (!values) return tl::unexpected(values.error());
    return compute_log_probabilities(context_, linears_, *values, head, targets.subspan(first, count),
                                     log_probabilities.subspan(first, count));
  });
}

Result<void> CpuBackend::head_pair(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                                   std::span<HeadPair> pairs) {
  if (auto valid = check_head_pair(base, other, targets, pairs.size()); !valid) return valid;
  return in_row_blocks(targets.size(), [&](std::size_t first, std::size_t count) -> Result<void> {
    const auto block = [&](const HeadRows& rows, SharedScratch scratch) {
      return normalize_picked({rows.hidden, rows.picked.subspan(first, count), rows.norm, rows.head}, scratch);
    };
    auto base_values = block(base, SharedScratch::normalized);
    if (!base_values) return tl::unexpected(base_values.error());
    auto values = block(other, SharedScratch::second_normalized);
    if (!values) return tl::unexpected(values.error());
    return compare_heads(context_, linears_, *base_values, base.head, *values, other.head,
                         targets.subspan(first, count), pairs.subspan(first, count));
  });
}

}  // namespace quantscope
