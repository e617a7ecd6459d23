// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/quantize_rows.h"

namespace quantscope {

/// The Backend of one CPU: checks arguments and hands them to the modules of this folder. Operations are finished when
/// they return.
class CpuBackend final : public Backend {
 public:
  CpuBackend(const DispatchLevel& level, int threads);

  DeviceDescription description() const override;
  MemoryLedger& ledger() override { return context_.ledger(); }
  MemoryLedger& upload_ledger() override { return context_.ledger(); }
  void set_stop_token(std::stop_token token) override { context_.set_stop_token(std::move(token)); }
  Result<void> synchronize() override { return {}; }

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
  ParallelFor parallel_for();
  /// The weights of a norm in fp32 with the offset added, in `scratch`; empty for a norm without weights.
  Result<std::span<const float>> norm_weights(const Norm& norm, SharedScratch scratch);
  /// Normalized copies of rows `row_of(0 .. rows)` of the input in `scratch`.
  template <class RowOf>
  Result<const float*> normalize(const Buffer& input, std::int64_t rows, const Norm& norm, SharedScratch scratch,
                                 const RowOf& row_of);
  Result<const float*> normalize_picked(const HeadRows& rows, SharedScratch scratch);

  CpuContext context_;
  LinearRunner linears_;
  std::string level_;
  EncodeLevel encode_level_;
};

}  // namespace quantscope
