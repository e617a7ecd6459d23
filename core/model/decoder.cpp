// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace quantscope {
namespace {

/// Frequencies of dynamic NTK scaling change with the length of what has been read, and keys that were rotated before
/// would have to change with them.
Result<void> check_length(const ModelDescription& model, std::int64_t length) {
  if (model.rope.scaling != RopeScaling::dynamic || length <= model.context) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("{} positions exceed the trained context of {}; dynamic rope scaling beyond it is not "
                          "supported, so use a shorter text.",
                          length, model.context));
}

std::vector<std::int32_t> consecutive(std::int64_t first, std::int64_t count) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(first));
  return rows;
}

}  // namespace

DecoderShape decoder_shape(const ModelDescription& model, DataType kv_type, std::int64_t context,
                           std::int64_t batch_rows) {
  DecoderShape shape;
  shape.kv.layers = model.layers;
  shape.kv.kv_heads = model.kv_heads;
  shape.kv.head_dim = model.head_dim;
  shape.kv.type = kv_type;
  shape.kv.pages = (context + shape.kv.page_tokens - 1) / shape.kv.page_tokens;
  shape.batch_rows = batch_rows;
  const std::int64_t q = model.heads * model.head_dim;
  const std::int64_t kv = model.kv_heads * model.head_dim;
  shape.buffer_columns = {model.hidden, q, kv, kv, q, model.intermediate};
  return shape;
}

std::int64_t DecoderShape::activation_bytes() const {
  const std::int64_t columns = std::accumulate(buffer_columns.begin(), buffer_columns.end(), std::int64_t{0});
  return batch_rows * columns * static_cast<std::int64_t>(sizeof(float));
}

Result<std::unique_ptr<Decoder>> Decoder::create(const Model& model, DataType kv_type, std::int64_t context,
                                                 std::int64_t batch_rows) {
  const DecoderShape shape = decoder_shape(model.description(), kv_type, context, batch_rows);
  Backend& backend = model.backend();
  auto cache = KvCache::create(backend, shape.kv);
  if (!cache) return tl::unexpected(cache.error());
  std::unique_ptr<Decoder> decoder(new Decoder);
  decoder->model_ = &model;
  decoder->batch_rows_ = batch_rows;
  decoder->cache_ = std::move(*cache);
  const std::array<std::unique_ptr<Buffer>*, 6> buffers = {&decoder->hidden_, &decoder->q_,         &decoder->k_,
                                                           &decoder->v_,      &decoder->attention_, &decoder->mlp_};
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    auto created = backend.create_buffer(batch_rows, shape.buffer_columns[i]);
    if (!created) return tl::unexpected(created.error());
    *buffers[i] = std::move(*created);
  }
  return decoder;
}

Result<void> Decoder::forward(std::span<const std::int32_t> ids, std::span<const SequenceRows> sequences) {
  Backend& backend = model_->backend();
  const ModelDescription& description = model_->description();
  const auto rows = static_cast<std::int64_t>(ids.size());
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= description.vocabulary)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("Token id {} is outside the model's vocabulary of {}.", id, description.vocabulary));
  }
  rows_ = rows;
  return backend.run_pass({this, model_->version()}, ids, sequences, cache_.storage(),
                          [&] { return run_layers(ids, sequences); });
}

Result<void> Decoder::run_layers(std::span<const std::int32_t> ids, std::span<const SequenceRows> sequences) {
  Backend& backend = model_->backend();
  const auto rows = static_cast<std::int64_t>(ids.size());
  if (auto done = backend.embed(model_->embedding(), ids, model_->compute(), *hidden_); !done) return done;
  if (const float scale = model_->embedding_scale(); scale != 1.0F)
    if (auto done = backend.scale(*hidden_, rows, scale); !done) return done;
  for (const Model::Layer& layer : model_->layers())
    if (auto done = run_layer(layer, rows, sequences); !done) return done;
  return {};
}

Result<void> Decoder::run_layer(const Model::Layer& layer, std::int64_t rows, std::span<const SequenceRows> sequences) {
  Backend& backend = model_->backend();
  const GateActivation activation = model_->description().activation;
  const std::array<LinearOutput, 3> qkv = {{{layer.q, q_.get()}, {layer.k, k_.get()}, {layer.v, v_.get()}}};
  return backend.norm_linears(*hidden_, rows, layer.attention_norm, qkv, nullptr)
      .and_then([&] {
        return backend.rope_append(*q_, *k_, *v_, layer.attention, model_->inverse_frequencies(layer), sequences,
                                   cache_.storage());
      })
      .and_then([&] { return backend.attention(*q_, layer.attention, sequences, cache_.storage(), *attention_); })
      .and_then([&] { return add_to_hidden(*attention_, rows, layer.o, layer.attention_output_norm); })
      .and_then([&] {
        return backend.norm_gate_up(*hidden_, rows, layer.mlp_norm, layer.gate, layer.up, activation, *mlp_, nullptr);
      })
      .and_then([&] { return add_to_hidden(*mlp_, rows, layer.down, layer.mlp_output_norm); });
}

Result<void> Decoder::add_to_hidden(const Buffer& input, std::int64_t rows, const Linear& linear, const Norm& norm) {
  if (norm.weight == nullptr) return model_->backend().linear_add(input, rows, linear, *hidden_, nullptr);
  return model_->backend().linear_norm_add(input, rows, linear, norm, *hidden_, nullptr);
}

Result<void> Decoder::run_passes(Sequence& sequence, std::span<const std::int32_t> ids, const AfterPass& after) {
  const auto count = static_cast<std::int64_t>(ids.size());
  for (std::int64_t first = 0; first < count; first += batch_rows_) {
    const std::int64_t rows = std::min(batch_rows_, count - first);
    const std::int64_t position = sequence.length();
    if (auto valid = check_length(model_->description(), position + rows); !valid) return valid;
    if (auto extended = cache_.extend(sequence, rows); !extended) return extended;
    const SequenceRows where{sequence.pages(), position, 0, rows};
    auto done = forward(ids.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)), {&where, 1})
                    .and_then([&] { return after ? after(first, rows) : Result<void>(); });
    if (!done) {
      sequence.truncate(position);
      return done;
    }
  }
  return {};
}

Result<void> Decoder::append(Sequence& sequence, std::span<const std::int32_t> ids) {
  return run_passes(sequence, ids, {});
}

Result<std::vector<TopToken>> Decoder::append_tops(Sequence& sequence, std::span<const std::int32_t> ids,
                                                   std::span<const std::int64_t> after) {
  std::vector<TopToken> best;
  best.reserve(after.size());
  const AfterPass ask = [&](std::int64_t first, std::int64_t rows) -> Result<void> {
    std::vector<std::int32_t> picked;
    for (std::size_t i = best.size(); i < after.size() && after[i] < first + rows; ++i)
      picked.push_back(static_cast<std::int32_t>(after[i] - first));
    if (picked.empty()) return {};
    std::vector<TopToken> tops(picked.size());
    auto done = model_->backend().head_top(*hidden_, picked, model_->final_norm(), model_->head(), tops);
    best.insert(best.end(), tops.begin(), tops.end());
    return done;
  };
  if (auto done = run_passes(sequence, ids, ask); !done) return tl::unexpected(done.error());
  return best;
}

Result<void> Decoder::step(std::span<Sequence* const> sequences, std::span<const std::int32_t> ids) {
  std::vector<SequenceRows> where;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::int64_t position = sequences[i]->length();
    if (auto valid = check_length(model_->description(), position + 1); !valid) return valid;
    if (auto extended = cache_.extend(*sequences[i], 1); !extended) return extended;
    where.push_back({sequences[i]->pages(), position, static_cast<std::int64_t>(i), 1});
  }
  return forward(ids, where);
}

Result<TopToken> Decoder::top() {
  const auto last = static_cast<std::int32_t>(rows_ - 1);
  TopToken best;
  auto done = model_->backend().head_top(*hidden_, {&last, 1}, model_->final_norm(), model_->head(), {&best, 1});
  if (!done) return tl::unexpected(done.error());
  return best;
}

Result<std::vector<TopToken>> Decoder::tops() {
  std::vector<TopToken> best(static_cast<std::size_t>(rows_));
  auto done = model_->backend().head_top(*hidden_, consecutive(0, rows_), model_->final_norm(), model_->head(), best);
  if (!done) return tl::unexpected(done.error());
  return best;
}

Result<void> Decoder::append_logits(Sequence& sequence, std::span<const std::int32_t> ids, const LogitsSink& sink) {
  constexpr std::int64_t tile_rows = 16;  // at most 16 rows of the vocabulary are held at once
  const std::int64_t vocabulary = model_->description().vocabulary;
  std::vector<float> logits(static_cast<std::size_t>(tile_rows * vocabulary));
  return run_passes(sequence, ids, [&](std::int64_t first, std::int64_t rows) -> Result<void> {
    for (std::int64_t row = 0; row < rows; row += tile_rows) {
      const std::int64_t tile = std::min(tile_rows, rows - row);
      const std::span<float> values(logits.data(), static_cast<std::size_t>(tile * vocabulary));
      auto done = model_->backend()
                      .head_logits(*hidden_, consecutive(row, tile), model_->final_norm(), model_->head(), values)
                      .and_then([&] { return sink(first + row, tile, values); });
      if (!done) return done;
    }
    return {};
  });
}

Result<void> Decoder::append_scored(Sequence& sequence, std::span<const std::int32_t> ids, std::int64_t first_scored,
                                    const ScoredSink& sink) {
  const std::int64_t last_scored = static_cast<std::int64_t>(ids.size()) - 1;  // exclusive: nothing follows the last id
  return run_passes(sequence, ids, [&](std::int64_t first, std::int64_t rows) -> Result<void> {
    const std::int64_t begin = std::max(first, first_scored);
    const std::int64_t end = std::min(first + rows, last_scored);
    if (begin >= end) return {};
    return sink(consecutive(begin - first, end - begin),
                ids.subspan(static_cast<std::size_t>(begin + 1), static_cast<std::size_t>(end - begin)));
  });
}

Result<std::vector<double>> Decoder::append_nll(Sequence& sequence, std::span<const std::int32_t> ids,
                                                std::int64_t first_scored) {
  std::vector<double> nll;
  const ScoredSink score = [&](std::span<const std::int32_t> rows,
                               std::span<const std::int32_t> targets) -> Result<void> {
    std::vector<double> values(rows.size());
    auto done =
        model_->backend().head_log_probabilities(*hidden_, rows, model_->final_norm(), model_->head(), targets, values);
    for (const double value : values) nll.push_back(-value);
    return done;
  };
  if (auto done = append_scored(sequence, ids, first_scored, score); !done) return tl::unexpected(done.error());
  return nll;
}

}  // namespace quantscope
