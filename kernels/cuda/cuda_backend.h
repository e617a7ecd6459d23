// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "kernels/backend.h"
#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/linear_runner.h"
#include "kernels/cuda/placed_batch.h"
#include "kernels/cuda/recorded_passes.h"
#include "kernels/cuda/upload_ring.h"

namespace quantscope::cuda {

/// The Backend of one NVIDIA GPU. Operations are queued; what fails on the GPU shows at synchronize() or at an
/// operation that hands out host values. linear_paths.h and attention_paths.h say how results depend on how rows are
/// batched. A forward pass of one row per sequence is recorded as a CUDA graph (recorded_passes.h) the second time that
/// its shape comes up.
class CudaBackend final : public Backend {
 public:
  static Result<std::unique_ptr<Backend>> create(int index);

  DeviceDescription description() const override { return device_->description(); }
  MemoryLedger& ledger() override { return device_->ledger(); }
  std::int64_t driver_bytes() override { return device_->driver_bytes(); }
  MemoryLedger& upload_ledger() override { return device_->host_ledger(); }
  void set_stop_token(std::stop_token token) override { device_->set_stop_token(std::move(token)); }
  Result<void> synchronize() override { return device_->finish("an operation"); }

  Result<std::unique_ptr<Weight>> quantize(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                           const WeightFormat& format, MemoryTag tag) override;
  Result<std::unique_ptr<Weight>> upload(QuantizedTensor tensor) override;
  Result<QuantizedTensor> download(const Weight& weight) override;
  Result<void> decode(const Weight& weight, std::int64_t first_row, std::int64_t row_count,
                      std::span<float> values) override;
  Result<TensorStatistics> statistics(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                      HistogramBins bins) override;

  Result<void> reserve(const Workload& workload) override;

  Result<std::unique_ptr<Buffer>> create_buffer(std::int64_t row_capacity, std::int64_t columns) override;
  Result<void> read(const Buffer& buffer, std::int64_t rows, std::span<float> values) override;
  Result<void> write(Buffer& buffer, std::int64_t rows, std::span<const float> values) override;
  Result<std::unique_ptr<KvStorage>> create_kv(const KvShape& shape) override;
  Result<void> copy_kv_page(KvStorage& storage, std::int32_t from, std::int32_t to) override;

  Result<void> embed(const Weight& table, std::span<const std::int32_t> ids, ComputeType compute,
                     Buffer& hidden) override;
  Result<void> scale(Buffer& buffer, std::int64_t rows, float factor) override;
  Result<void> norm_linears(const Buffer& input, std::int64_t rows, const Norm& norm,
                            std::span<const LinearOutput> outputs, const Tap* tap) override;
  Result<void> rope_append(Buffer& q, const Buffer& k, const Buffer& v, const AttentionShape& shape,
                           std::span<const float> inverse_frequencies, std::span<const SequenceRows> sequences,
                           KvStorage& storage) override;
  Result<void> attention(const Buffer& q, const AttentionShape& shape, std::span<const SequenceRows> sequences,
                         const KvStorage& storage, Buffer& output) override;
  Result<void> linear_add(const Buffer& input, std::int64_t rows, const Linear& linear, Buffer& residual,
                          const Tap* tap) override;
  Result<void> linear_norm_add(const Buffer& input, std::int64_t rows, const Linear& linear, const Norm& norm,
                               Buffer& residual, const Tap* tap) override;
  Result<void> norm_gate_up(const Buffer& input, std::int64_t rows, const Norm& norm, const Linear& gate,
                            const Linear& up, GateActivation activation, Buffer& output, const Tap* tap) override;
  Result<void> run_pass(const PassKey& key, std::span<const std::int32_t> ids, std::span<const SequenceRows> sequences,
                        const KvStorage& storage, const std::function<Result<void>()>& operations) override;

  Result<void> head_logits(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                           const Linear& head, std::span<float> logits) override;
  Result<void> head_top(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                        const Linear& head, std::span<TopToken> top) override;
  Result<void> head_log_probabilities(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                      const Linear& head, std::span<const std::int32_t> targets,
                                      std::span<double> log_probabilities) override;
  Result<void> head_pair(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                         std::span<HeadPair> pairs) override;

 private:
  /// Takes logits [rows, outputs] of vocabulary ids first_id ..., in device memory.
  using LogitSink = std::function<Result<void>(const float* logits, std::int64_t first_id, std::int64_t outputs)>;

  CudaBackend(std::unique_ptr<Device> device, DynamicTables tables);

  /// Makes the linears read `rows` rows of the buffer, normalized; `picked` as in LinearInput.
  Result<void> read_normalized(const Buffer& input, std::int64_t rows, const Norm& norm, const std::int32_t* picked);
  /// Shows a tap the input of the linears.
  Result<void> show(const Tap* tap, std::span<const Linear* const> linears, std::int64_t rows);
  Result<void> gate_apart(const Linear& gate, const Linear& up, GateActivation activation, std::int64_t rows,
                          float* output);
  /// output = norm(input) for rows of norm.weight->columns values; both may be the same memory.
  Result<void> normalize(const float* input, std::int64_t rows, const Norm& norm, float* output);
  /// Normalizes the queries in place; the keys, normalized if there is a norm for them.
  Result<const float*> normalize_heads(Buffer& q, const Buffer& k, const AttentionShape& shape,
                                       std::span<const SequenceRows> sequences);
  /// Attention of the batch's rows that are on that path; `one_sequence` as in AttentionArguments.
  Result<void> attend_single_rows(const float* q, const AttentionShape& shape, const KvView& cache, bool one_sequence,
                                  float* output);
  /// Runs the head over tiles of the vocabulary.
  Result<void> run_head(std::int64_t rows, const Linear& head, const LogitSink& sink);
  /// Logits [rows, outputs] of vocabulary ids first ..., of the rows that the linears read.
  Result<void> multiply_head(const Linear& head, std::int64_t rows, float* logits, std::int64_t first,
                             std::int64_t outputs);
  Result<void> begin_head(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm);
  Result<void> find_best_of_tiles(std::int64_t rows, const Linear& head, BestTwo* best);
  Result<void> head_top_rows(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                             const Linear& head, std::span<TopToken> top);
  Result<void> head_log_probability_rows(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                         const Linear& head, std::span<const std::int32_t> targets,
                                         std::span<double> log_probabilities);
  /// One side of a pair: where its rows are, which device ids pick them, and where its logits go.
  struct PairSide {
    const HeadRows* rows = nullptr;
    const std::int32_t* picked = nullptr;
    float* logits = nullptr;
  };
  Result<PairSide> pair_side(const HeadRows& rows, PlacedValues<std::int32_t>& picked, ScratchUse logits);
  /// Logits [rows, outputs] of vocabulary ids first ... of one side.
  Result<void> multiply_side(const PairSide& side, std::int64_t first, std::int64_t outputs);
  Result<void> head_pair_rows(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                              std::span<HeadPair> pairs);

  std::unique_ptr<Device> device_;  // first: everything below lives in its memory
  DynamicTables tables_;
  UploadRing uploads_;
  ScratchSet scratch_;
  std::unique_ptr<LinearRunner> linears_;
  PlacedBatch batch_{scratch_};
  RecordedPasses passes_;
  PlacedValues<std::int32_t> ids_{scratch_[ScratchUse::ids]};
  PlacedValues<std::int32_t> picked_{scratch_[ScratchUse::picked]};
  PlacedValues<std::int32_t> base_picked_{scratch_[ScratchUse::base_picked]};
  PlacedValues<std::int32_t> targets_{scratch_[ScratchUse::targets]};
  PlacedFrequencies frequencies_;
};

}  // namespace quantscope::cuda
