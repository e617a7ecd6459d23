// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/linear_runner.h"
#include "kernels/cuda/upload_ring.h"

namespace quantscope::cuda {

/// The Backend of one NVIDIA GPU.
///
/// What is simple here, and may become faster behind the same interface:
///  - operations are finished when they return, so the queue is never deep and failures name their operation;
///  - each output is one thread's sequential fp32 sum: no tensor cores, shared memory or CUDA graphs, no cuBLAS;
///  - attention keeps all scores of a few rows in workspace;
///  - LLM.int8() looks at every column for outliers.
/// In return no result depends on how rows are batched.
class CudaBackend final : public Backend {
 public:
  static Result<std::unique_ptr<Backend>> create(int index);

  DeviceDescription description() const override { return device_->description(); }
  MemoryLedger& ledger() override { return device_->ledger(); }
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

  Result<void> head_logits(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                           const Linear& head, std::span<float> logits) override;
  Result<void> head_top(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                        const Linear& head, std::span<TopToken> top) override;
  Result<void> head_log_probabilities(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                      const Linear& head, std::span<const std::int32_t> targets,
                                      std::span<double> log_probabilities) override;

 private:
  /// A batch on its way to the device; the host copies live as long as this.
  struct PlacedBatch {
    std::vector<RowLocation> locations;
    std::vector<std::int32_t> pages;
    Batch batch;
  };
  /// Takes logits [rows, outputs] of vocabulary ids first_id ..., in device memory.
  using LogitSink = std::function<Result<void>(const float* logits, std::int64_t first_id, std::int64_t outputs)>;

  CudaBackend(std::unique_ptr<Device> device, DynamicTables tables);

  /// Normalized copies of `rows` rows of the input, valid until the next call; `picked` as in NormArguments.
  Result<const float*> normalize(const Buffer& input, std::int64_t rows, const Norm& norm, const std::int32_t* picked);
  /// The same into device memory of [rows, norm.weight->columns], which may be the input.
  Result<void> normalize_into(const float* input, std::int64_t rows, const Norm& norm, const std::int32_t* picked,
                              float* output);
  Result<const float*> normalize_heads(Buffer& q, const Buffer& k, const AttentionShape& shape,
                                       std::span<const SequenceRows> sequences);
  Result<void> show(const Tap* tap, const Linear& linear, const float* values, std::int64_t rows);
  Result<void> multiply(const float* input, std::int64_t rows, const Linear& linear, float* output, bool add);
  Result<void> place(std::span<const SequenceRows> sequences, const AttentionShape& shape, const KvShape& cache,
                     std::int64_t row_capacity, PlacedBatch& placed);
  Result<void> attend_in_parts(AttentionArguments arguments);
  /// Runs the head over tiles of the vocabulary.
  Result<void> run_head(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                        const Linear& head, const LogitSink& sink);
  /// Lets `fill` write `count` parts on the device and copies them to the host.
  template <class Part, class Fill>
  Result<TaggedBuffer> gather_parts(std::int64_t count, const Fill& fill);
  Result<void> head_top_rows(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                             const Linear& head, std::span<TopToken> top);
  Result<void> head_log_probability_rows(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                         const Linear& head, std::span<const std::int32_t> targets,
                                         std::span<double> log_probabilities);

  std::unique_ptr<Device> device_;  // first: everything below lives in its memory
  DynamicTables tables_;
  UploadRing uploads_;
  LinearRunner linears_;
  DeviceScratch normalized_, norm_factors_, ids_, targets_, decoded_;
  DeviceScratch locations_, pages_, frequencies_, scores_, score_sums_;
  DeviceScratch gate_, up_, logits_, parts_;
};

}  // namespace quantscope::cuda
