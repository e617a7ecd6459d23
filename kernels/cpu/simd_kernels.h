// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/formats/data_type.h"
#include "kernels/gate_activation.h"

/// The inner loops that exist once per dispatch level. One source file per level is compiled with that level's
/// instructions; it shares only this header and simd_*_template.h with the rest, so that no inline function compiled
/// for a newer CPU can end up in code that runs on every CPU.
///
/// Every sum has an order that depends on the level and the length alone: one vector of partial sums per result, filled
/// along K, added up in a fixed tree. Results therefore do not depend on how rows are batched or shared among threads.
namespace quantscope {

/// How a kernel finds the values of a weight matrix.
enum class WeightKind : std::uint8_t {
  float32,
  float16,
  bfloat16,
  signed8,
  nibbles,          ///< blocks of 64 or more
  nibbles_of_half,  ///< blocks of 32
};
inline constexpr int weight_kind_count = 6;

/// A weight matrix as the kernels see it.
struct WeightRows {
  const void* codes = nullptr;  ///< of row 0
  const float* factors =
      nullptr;  ///< signed8: absmax of each row; nibbles: factor of block `first_block` and those after
  const float* levels = nullptr;  ///< nibbles: what the 16 codes stand for
  std::int64_t first_block = 0;
  std::int64_t columns = 0;
  int block_shift = 0;  ///< nibbles: log2 of the block size
};

/// Nibble kernels take this many codes at a time: columns must be a multiple of it, blocks a multiple or half of it.
inline constexpr std::int64_t nibble_span = 64;

/// Products of weight rows with activation rows. Activations and decoded weights ("panels") are rows of elements in the
/// order and type the kernel wants, `padded_columns` long, the padding zero.
struct LinearKernel {
  int element_bytes = 4;
  int step = 1;        ///< padded_columns = columns rounded up to a multiple of this
  int panel_rows = 1;  ///< rows of a panel must be a multiple of this
  /// Rounds one row of activations to the compute type and brings it into order.
  void (*pack)(const float* x, std::int64_t columns, void* packed) = nullptr;
  /// Decodes rows [first, first + rows) of the weight, rounded to the compute type, into a panel.
  void (*decode)(const WeightRows& weight, std::int64_t first, std::int64_t rows, void* panel) = nullptr;
  /// products[i] = weight row (first + i) . x, without a panel. Same sums as decode followed by multiply.
  void (*multiply_row)(const WeightRows& weight, const void* x, std::int64_t first, std::int64_t rows,
                       float* products) = nullptr;
  /// products[m * panel_rows + n] = x row m . panel row n.
  void (*multiply)(const void* x, std::int64_t x_rows, const void* panel, std::int64_t panel_rows,
                   std::int64_t padded_columns, float* products) = nullptr;
};

/// The same with 8-bit integers, exact in 32 bits for up to 133,144 columns.
struct IntegerKernel {
  int step = 1;
  int panel_rows = 1;
  /// Widens codes to 16 bits.
  void (*widen)(const std::int8_t* codes, std::int64_t columns, std::int16_t* widened) = nullptr;
  void (*multiply)(const std::int16_t* x, std::int64_t x_rows, const std::int16_t* panel, std::int64_t panel_rows,
                   std::int64_t padded_columns, std::int32_t* products) = nullptr;
};

/// One page of keys of one head: [head_dim, page_tokens], positions side by side.
struct KeyPage {
  const void* keys = nullptr;
  std::int64_t head_dim = 0;
  std::int64_t page_tokens = 0;
  std::int64_t used = 0;  ///< positions to score
};

/// Attention of up to `max_query_heads` heads that share one key/value head.
inline constexpr int max_query_heads = 4;

struct AttentionKernel {
  /// scores[h * score_stride + t] = query_h . key_t for the used positions t. Queries lie head_dim apart.
  void (*scores)(const KeyPage& page, const float* queries, int heads, float* scores,
                 std::int64_t score_stride) = nullptr;
  /// outputs_h += sum over t < tokens of weights[h * weight_stride + t] * value_t; values is [tokens, head_dim].
  void (*accumulate)(const void* values, std::int64_t tokens, std::int64_t head_dim, const float* weights,
                     std::int64_t weight_stride, int heads, float* outputs) = nullptr;
};

/// Sums over a stretch of one vocabulary, for a Kullback-Leibler divergence.
struct DivergenceSums {
  double exponentials = 0;  ///< of exp(base - maximum)
  double weighted = 0;      ///< of exp(base - maximum) * (base - other)
};

struct SimdKernels {
  LinearKernel linear[weight_kind_count][3];  ///< [WeightKind][ComputeType]
  IntegerKernel integer;
  AttentionKernel attention[3];  ///< by DataType of the cache: fp32, fp16, bf16
  /// values[i] = exp(values[i] - maximum); returns their sum.
  float (*exponentials)(float* values, std::int64_t count, float maximum) = nullptr;
  /// Sum of exp(values[i] - maximum) in float64; values are kept.
  double (*sum_exponentials)(const float* values, std::int64_t count, float maximum) = nullptr;
  /// The same sum for `base`, to the bit, and the one weighted with the difference of both logits.
  DivergenceSums (*divergence_sums)(const float* base, const float* other, std::int64_t count, float maximum) = nullptr;
  float (*maximum)(const float* values, std::int64_t count) = nullptr;
  /// By GateActivation: output[i] = activation(gate[i]) * up[i].
  void (*gate_multiply[2])(const float* gate, const float* up, std::int64_t count, float* output) = {};
};

const SimdKernels& scalar_kernels();
#if defined(__x86_64__)
const SimdKernels& avx2_kernels();
const SimdKernels& avx512_kernels();
const SimdKernels& avx512bf16_kernels();
#endif

}  // namespace quantscope
