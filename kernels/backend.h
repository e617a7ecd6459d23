// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"
#include "kernels/formats/data_type.h"
#include "kernels/gate_activation.h"
#include "kernels/memory_ledger.h"
#include "kernels/quantized_tensor.h"
#include "kernels/row_reader.h"
#include "kernels/tensor_statistics.h"
#include "kernels/workload.h"

/// The interface that a compute device implements. It speaks of matrices, rows of activations and pages of a KV
/// cache, never of models. Operations have the grain of a fused kernel. They are ordered and may be asynchronous:
/// what they write may be read on the host only after synchronize() or by an operation that returns host values.
namespace quantscope {

/// What a device is and can do; `resolve` reads it, `devices` prints it.
struct DeviceDescription {
  std::string id;                            ///< "cpu", "cuda:0"
  std::string name;                          ///< "AMD EPYC", "NVIDIA H200"
  std::string dispatch_level;                ///< "avx512bf16"; part of a result's key, as it decides rounding order
  std::vector<std::string> dispatch_levels;  ///< all that this device can run
  int threads = 1;
  std::int64_t memory_total = 0;      ///< bytes
  std::int64_t memory_free = 0;       ///< bytes, when asked
  int clock = 0;                      ///< highest clock, MHz; 0 = not known
  std::int64_t memory_bandwidth = 0;  ///< bytes a second by clock and bus width; 0 = not known
  std::string unavailable;            ///< a sentence why it cannot be used; empty when it can
  /// Whether weights of a format can be held and run; null: every format. Points into code that stays loaded.
  bool (*knows_format)(const WeightFormat& format) = nullptr;
  /// Whether its memory is that of the host.
  bool host_memory = true;
  /// Bytes of workspace that the device itself holds after reserve(), at a dispatch level with so many threads; empty:
  /// it does not say. Calls code that stays loaded.
  std::function<std::int64_t(const Workload& workload, std::string_view dispatch_level, int threads)> workspace_bytes;
};

/// A matrix (or, with one row, a vector) in device memory, in any weight format.
class Weight {
 public:
  virtual ~Weight() = default;
  std::int64_t rows = 0;     ///< output features
  std::int64_t columns = 0;  ///< input features
  WeightFormat format;
};

/// fp32 activations [row_capacity, columns] in device memory.
class Buffer {
 public:
  virtual ~Buffer() = default;
  std::int64_t row_capacity = 0;
  std::int64_t columns = 0;
};

/// Over which rows LLM.int8() looks for outlier columns.
enum class OutlierScope : std::uint8_t {
  call,  ///< all rows of one operation share them, as bitsandbytes does; results then depend on how rows are batched
  row,   ///< each row has its own, what bitsandbytes does with one row; independent of batching, used for models
};

/// y = W x (+ bias), products of values rounded to `compute`, sums in fp32.
struct Linear {
  const Weight* weight = nullptr;
  const Weight* bias = nullptr;  ///< dense [1, rows] or null
  ComputeType compute = ComputeType::fp32;
  ActivationMode activations = ActivationMode::rounded;
  float outlier_threshold = 6.0F;  ///< int8_outliers only; 0 = no outlier columns
  OutlierScope outlier_scope = OutlierScope::row;
  float soft_cap = 0.0F;  ///< head operations only: logits become cap * tanh(logit / cap); 0 = none
};

LinearShape shape_of(const Linear& linear);

/// Sees the input of every linear of a fused operation (calibration, activation statistics).
/// `values` is [rows, columns] fp32, after the norm, before rounding.
using Tap = std::function<void(const Linear& linear, std::span<const float> values, std::int64_t rows)>;

struct LinearOutput {
  Linear linear;
  Buffer* output = nullptr;  ///< [rows, linear.weight->rows]
};

/// RMSNorm: x * (weight_offset + weight) / sqrt(mean(x^2) + epsilon), in fp32.
struct Norm {
  const Weight* weight = nullptr;  ///< dense [1, columns]
  float epsilon = 1e-5F;
  float weight_offset = 0.0F;  ///< 1 where the stored weights are offsets from 1 (Gemma)
};

/// Memory for keys and values of all layers, cut into pages of `page_tokens` positions.
struct KvShape {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t page_tokens = 32;
  std::int64_t pages = 0;
  DataType type = DataType::fp32;  ///< fp32, fp16 or bf16

  /// Bytes of all pages; what the ledger must show as kv_cache.
  std::int64_t bytes() const;
};

class KvStorage {
 public:
  virtual ~KvStorage() = default;
  KvShape shape;
};

/// Consecutive rows of a batch that belong to one sequence: rows [first_row, first_row + row_count) stand at positions
/// first_position ... Position p lies in page pages[p / page_tokens] at offset p % page_tokens.
struct SequenceRows {
  std::span<const std::int32_t> pages;
  std::int64_t first_position = 0;
  std::int64_t first_row = 0;
  std::int64_t row_count = 0;
};

struct AttentionShape {
  std::int64_t layer = 0;  ///< which layer's keys and values
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  float scale = 1.0F;       ///< usually 1 / sqrt(head_dim)
  std::int64_t window = 0;  ///< positions seen, 0 = all before and including its own
  float soft_cap = 0.0F;    ///< cap * tanh(score / cap), 0 = none
  Norm query_norm = {};     ///< over each head of q before it is rotated, weight [1, head_dim]; null weight = none
  Norm key_norm = {};       ///< likewise of k
};

/// The best token of a row and how safe it is.
struct TopToken {
  std::int32_t id = 0;  ///< lowest id on a tie
  float logit = 0.0F;
  float margin = 0.0F;  ///< best minus second-best logit
};

/// What the head of one model reads: chosen rows of its final hidden states, before the final norm.
struct HeadRows {
  const Buffer* hidden = nullptr;
  std::span<const std::int32_t> picked;
  Norm norm;
  Linear head;
};

/// What two models, base and other, say about the token after one position; natural logarithms.
struct HeadPair {
  double base_log_probability = 0;  ///< ln p_base(target)
  double log_probability = 0;       ///< ln p_other(target)
  /// KL(base || other) = sum over the whole vocabulary of p_base (ln p_base - ln p_other), in nats. Exactly 0 for equal
  /// logits; rounding may leave up to -1e-7 where the two are nearly equal.
  double divergence = 0;
  bool same_top = false;  ///< both have the same most probable token (lowest id on a tie)
};

/// What makes two forward passes the same but for their token ids and sequences: the caller's buffers and weights.
struct PassKey {
  const void* owner = nullptr;  ///< the object that holds the buffers
  std::uint64_t version = 0;    ///< another one when a weight or a setting of an operation was exchanged
  bool operator==(const PassKey&) const = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual DeviceDescription description() const = 0;
  virtual MemoryLedger& ledger() = 0;
  /// Bytes of device memory that came into use since this device was opened, as its driver counts them: what the ledger
  /// holds, and what contexts, libraries and the rounding of allocations take. Other programs on the device are counted
  /// in. 0 where the driver does not say, or the memory is the host's.
  virtual std::int64_t driver_bytes() { return 0; }
  /// Every later operation returns cancelled within 100 ms once this token is stopped.
  virtual void set_stop_token(std::stop_token token) = 0;
  /// Waits for everything queued; the first failure since the last call.
  virtual Result<void> synchronize() = 0;

  // Weights ------------------------------------------------------------------------------------------------------

  /// Reads [rows, columns] from `source` in row tiles, encodes them (round to nearest of the format) and keeps the
  /// result on the device. Codes are counted under `tag`, scales under `scales`.
  virtual Result<std::unique_ptr<Weight>> quantize(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                   const WeightFormat& format, MemoryTag tag) = 0;
  /// Where tensors for upload() are allocated: the device's own ledger if it keeps them, else that of host memory.
  virtual MemoryLedger& upload_ledger() = 0;
  /// Takes a tensor whose codes were found elsewhere (a method, a pre-quantized checkpoint), allocated in
  /// upload_ledger().
  virtual Result<std::unique_ptr<Weight>> upload(QuantizedTensor tensor) = 0;
  /// A host copy of the codes and scales.
  virtual Result<QuantizedTensor> download(const Weight& weight) = 0;
  /// Decoded values (not rounded to a compute type) of rows [first_row, first_row + row_count).
  virtual Result<void> decode(const Weight& weight, std::int64_t first_row, std::int64_t row_count,
                              std::span<float> values) = 0;
  /// Moments and the exact histogram of a source tensor.
  virtual Result<TensorStatistics> statistics(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                              HistogramBins bins) = 0;

  /// Makes the memory that operations need for themselves what this workload needs, no more and no less; what they find
  /// missing they still add. Without it, memory grows as operations come. Contents of buffers stay.
  virtual Result<void> reserve(const Workload& workload);

  // Activations and the KV cache -----------------------------------------------------------------------------------

  virtual Result<std::unique_ptr<Buffer>> create_buffer(std::int64_t row_capacity, std::int64_t columns) = 0;
  /// Host values [rows, columns] of the first rows of a buffer.
  virtual Result<void> read(const Buffer& buffer, std::int64_t rows, std::span<float> values) = 0;
  virtual Result<void> write(Buffer& buffer, std::int64_t rows, std::span<const float> values) = 0;
  virtual Result<std::unique_ptr<KvStorage>> create_kv(const KvShape& shape) = 0;
  /// Copies one page of every layer (copy on write of a shared prefix's last page).
  virtual Result<void> copy_kv_page(KvStorage& storage, std::int32_t from, std::int32_t to) = 0;

  // Fused operations; `rows` is the number of activation rows in use ------------------------------------------------

  /// hidden[r] = table[ids[r]], rounded to `compute`.
  virtual Result<void> embed(const Weight& table, std::span<const std::int32_t> ids, ComputeType compute,
                             Buffer& hidden) = 0;
  /// The first `rows` rows of the buffer times `factor`.
  virtual Result<void> scale(Buffer& buffer, std::int64_t rows, float factor) = 0;
  /// outputs_i = linear_i(norm(input)).
  virtual Result<void> norm_linears(const Buffer& input, std::int64_t rows, const Norm& norm,
                                    std::span<const LinearOutput> outputs, const Tap* tap) = 0;
  /// Normalizes the heads of q and k where the shape has norms for them, rotates q [rows, heads*head_dim] in place and
  /// k [rows, kv_heads*head_dim] on its way into the cache (halves of a head rotate together, Hugging Face order), and
  /// appends k and v. Angle of pair i at position p is float(p) * inverse_frequencies[i]; an empty span means no
  /// rotation in this layer.
  virtual Result<void> rope_append(Buffer& q, const Buffer& k, const Buffer& v, const AttentionShape& shape,
                                   std::span<const float> inverse_frequencies, std::span<const SequenceRows> sequences,
                                   KvStorage& storage) = 0;
  /// output[r] = softmax(cap(q[r] K^T * scale)) V over the positions of r's own sequence up to and including its own.
  virtual Result<void> attention(const Buffer& q, const AttentionShape& shape, std::span<const SequenceRows> sequences,
                                 const KvStorage& storage, Buffer& output) = 0;
  /// residual += linear(input).
  virtual Result<void> linear_add(const Buffer& input, std::int64_t rows, const Linear& linear, Buffer& residual,
                                  const Tap* tap) = 0;
  /// residual += norm(linear(input)).
  virtual Result<void> linear_norm_add(const Buffer& input, std::int64_t rows, const Linear& linear, const Norm& norm,
                                       Buffer& residual, const Tap* tap) = 0;
  /// output = activation(gate(norm(input))) * up(norm(input)).
  virtual Result<void> norm_gate_up(const Buffer& input, std::int64_t rows, const Norm& norm, const Linear& gate,
                                    const Linear& up, GateActivation activation, Buffer& output, const Tap* tap) = 0;

  /// Runs a forward pass: `operations` calls the operations above, embed() with these `ids` and rope_append() and
  /// attention() with these `sequences` of `storage`. A device may record what they queue and, the next time that the
  /// key, the number of ids and the shape of the sequences are the same, queue it again without calling `operations`.
  virtual Result<void> run_pass(const PassKey& key, std::span<const std::int32_t> ids,
                                std::span<const SequenceRows> sequences, const KvStorage& storage,
                                const std::function<Result<void>()>& operations);

  // The head: final norm, then the vocabulary matrix, for chosen rows of `hidden` -----------------------------------

  /// logits [picked.size(), vocabulary] to the host.
  virtual Result<void> head_logits(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                   const Linear& head, std::span<float> logits) = 0;
  /// The best token of each picked row, without materialising all logits.
  virtual Result<void> head_top(const Buffer& hidden, std::span<const std::int32_t> picked, const Norm& norm,
                                const Linear& head, std::span<TopToken> top) = 0;
  /// ln p(targets[i]) of each picked row (log-softmax in float64 sums over vocabulary tiles).
  virtual Result<void> head_log_probabilities(const Buffer& hidden, std::span<const std::int32_t> picked,
                                              const Norm& norm, const Linear& head,
                                              std::span<const std::int32_t> targets,
                                              std::span<double> log_probabilities) = 0;
  /// Compares the next-token distributions of two heads over one vocabulary; row i of both is asked about targets[i].
  /// Logits in fp32, sums in float64, over vocabulary tiles of both heads side by side: never all logits of a row at
  /// once. No entry is skipped (llama.cpp leaves out those with ln p_base < -16). Fails with invalid_argument when the
  /// vocabularies differ or a logit is not finite.
  virtual Result<void> head_pair(const HeadRows& base, const HeadRows& other, std::span<const std::int32_t> targets,
                                 std::span<HeadPair> pairs) = 0;
};

}  // namespace quantscope
