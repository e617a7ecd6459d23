// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/quantized_tensor.h"

/// Every operation of a Backend as a plain loop in float64 over values that were rounded as the definition says. Fast
/// paths agree with these up to the rounding of their fp32 sums.
namespace quantscope::reference {

/// x * weight / sqrt(mean(x^2) + epsilon) of one row.
std::vector<double> rms_norm(std::span<const float> x, std::span<const float> weight, float epsilon);

/// y[m][n] = sum over k of round(x[m][k]) * round(w[n][k]); x is [rows, columns], the result [rows, weight.rows].
std::vector<double> linear(std::span<const float> x, std::int64_t rows, const QuantizedTensor& weight,
                           ComputeType compute);

/// LLM.int8() of one call: codes, exact integer sums, and outlier columns in the compute type.
std::vector<double> int8_linear(std::span<const float> x, std::int64_t rows, const QuantizedTensor& weight,
                                ComputeType compute, float threshold, OutlierScope scope);

/// The 8-bit side of one call.
struct Int8Activations {
  std::vector<std::int8_t> codes;  ///< [rows, columns], 0 in outlier columns
  std::vector<float> absmax;       ///< per row, outliers left out
  std::vector<bool> outliers;      ///< [rows, columns]
};
Int8Activations encode_activations(std::span<const float> x, std::int64_t rows, float threshold, OutlierScope scope);

/// One head at a position, halves rotated together.
std::vector<double> rope(std::span<const float> head, std::int64_t position,
                         std::span<const float> inverse_frequencies);

/// Attention of one query over keys and values [positions, head_dim] that it sees.
std::vector<double> attend(std::span<const float> query, std::span<const float> keys, std::span<const float> values,
                           float scale, float soft_cap);

/// silu(gate) * up.
double silu_gate(double gate, double up);

/// gelu(gate) * up in the form with a hyperbolic tangent.
double gelu_tanh_gate(double gate, double up);

/// cap * tanh(value / cap).
double soft_capped(double value, double cap);

/// ln softmax(logits)[target].
double log_probability(std::span<const double> logits, std::int32_t target);

/// Backend::head_pair of two rows of logits: both log-softmaxes, then the sum over the vocabulary as it is defined.
HeadPair compare_heads(std::span<const double> base, std::span<const double> other, std::int32_t target);

/// The largest logit, the lowest id on a tie.
TopToken top_token(std::span<const double> logits);

/// Row `id` of the table, rounded to the compute type.
std::vector<float> embed(const QuantizedTensor& table, std::int32_t id, ComputeType compute);

}  // namespace quantscope::reference
