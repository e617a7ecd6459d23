// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/model/kv_cache.h"
#include "core/model/model.h"

namespace quantscope {

/// What a decoder allocates; the forecast and the decoder itself both use it.
struct DecoderShape {
  KvShape kv;
  std::int64_t batch_rows = 0;
  std::array<std::int64_t, 6> buffer_columns{};  ///< hidden, q, k, v, attention output, MLP

  std::int64_t activation_bytes() const;  ///< fp32, counted as workspace
};
DecoderShape decoder_shape(const ModelDescription& model, DataType kv_type, std::int64_t context,
                           std::int64_t batch_rows);

/// Runs token rows through a model and asks the head about chosen rows. Owns the KV cache and the activation buffers.
/// One decoder belongs to one thread. Results do not depend on how tokens are cut into forward calls.
class Decoder {
 public:
  using Sequence = KvCache::Sequence;

  /// `context` tokens of KV cache for all sequences together, forward passes of at most `batch_rows` rows (longer
  /// inputs are cut into several).
  static Result<std::unique_ptr<Decoder>> create(const Model& model, DataType kv_type, std::int64_t context,
                                                 std::int64_t batch_rows);

  const Model& model() const { return *model_; }
  Sequence new_sequence() { return cache_.new_sequence(); }
  std::int64_t capacity() const { return cache_.capacity(); }
  std::int64_t batch_rows() const { return batch_rows_; }
  const KvCache& cache() const { return cache_; }

  /// Appends ids to the sequence. Afterwards the head functions may ask about the rows of the last pass, see below.
  Result<void> append(Sequence& sequence, std::span<const std::int32_t> ids);
  /// Appends ids and returns the best token after each of the asked ones, ids[after[0]] .. in ascending order.
  Result<std::vector<TopToken>> append_tops(Sequence& sequence, std::span<const std::int32_t> ids,
                                            std::span<const std::int64_t> after);
  /// Appends one id to each of several sequences in one pass of at most batch_rows(); row i belongs to sequences[i].
  Result<void> step(std::span<Sequence* const> sequences, std::span<const std::int32_t> ids);

  /// Best token after the last appended id (or, after step(), after row i).
  Result<TopToken> top();
  Result<std::vector<TopToken>> tops();
  /// Appends ids and calls `sink` with the logits [rows, vocabulary] of consecutive positions, tile by tile.
  using LogitsSink =
      std::function<Result<void>(std::int64_t first_position, std::int64_t rows, std::span<const float>)>;
  Result<void> append_logits(Sequence& sequence, std::span<const std::int32_t> ids, const LogitsSink& sink);
  /// Appends ids and returns -ln p(ids[i + 1] | ids[..i]) in nats for i in [first_scored, ids.size() - 1).
  Result<std::vector<double>> append_nll(Sequence& sequence, std::span<const std::int32_t> ids,
                                         std::int64_t first_scored);
  /// Appends ids and calls `sink` pass by pass with the rows of hidden() that predict ids[first_scored + 1] and those
  /// after it, consecutive rows in order, and what they predict.
  using ScoredSink =
      std::function<Result<void>(std::span<const std::int32_t> rows, std::span<const std::int32_t> targets)>;
  Result<void> append_scored(Sequence& sequence, std::span<const std::int32_t> ids, std::int64_t first_scored,
                             const ScoredSink& sink);
  /// Hidden states [batch_rows, hidden size] after the last block of the last pass.
  const Buffer& hidden() const { return *hidden_; }
  /// What the head reads of rows of hidden(); they must outlive it.
  HeadRows head_rows(std::span<const std::int32_t> rows) const {
    return {hidden_.get(), rows, model_->final_norm(), model_->head()};
  }

 private:
  Decoder() = default;
  Result<void> forward(std::span<const std::int32_t> ids, std::span<const SequenceRows> sequences);
  Result<void> run_layers(std::span<const std::int32_t> ids, std::span<const SequenceRows> sequences);
  Result<void> run_layer(const Model::Layer& layer, std::int64_t rows, std::span<const SequenceRows> sequences);
  /// hidden_ += linear(input), normalized first where there is a norm.
  Result<void> add_to_hidden(const Buffer& input, std::int64_t rows, const Linear& linear, const Norm& norm);
  /// Cuts ids into passes; `after` is called when the rows of ids [first, first + rows) are in hidden_.
  using AfterPass = std::function<Result<void>(std::int64_t first, std::int64_t rows)>;
  Result<void> run_passes(Sequence& sequence, std::span<const std::int32_t> ids, const AfterPass& after);

  const Model* model_ = nullptr;
  std::int64_t batch_rows_ = 0;
  std::int64_t rows_ = 0;  // rows of the last pass
  KvCache cache_;
  std::unique_ptr<Buffer> hidden_, q_, k_, v_, attention_, mlp_;
};

}  // namespace quantscope
