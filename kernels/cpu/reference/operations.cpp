// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/reference/operations.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/cpu/reference/decode.h"
#include "kernels/formats/half.h"
#include "kernels/formats/int8.h"

namespace quantscope::reference {
namespace {
std::vector<float> decode(const QuantizedTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.rows * tensor.columns));
  decode_rows(tensor, 0, tensor.rows, values);
  return values;
}

bool is_outlier(float value, float threshold) { return threshold > 0.0F && std::abs(value) >= threshold; }
}  // namespace

std::vector<double> rms_norm(std::span<const float> x, std::span<const float> weight, float epsilon) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  const double scale = 1.0 / std::sqrt(sum / static_cast<double>(x.size()) + static_cast<double>(epsilon));
  std::vector<double> result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = static_cast<double>(x[i]) * scale * weight[i];
  return result;
}

std::vector<double> linear(std::span<const float> x, std::int64_t rows, const QuantizedTensor& weight,
                           ComputeType compute) {
  const std::vector<float> w = decode(weight);
  const auto columns = static_cast<std::size_t>(weight.columns);
  std::vector<double> result;
  for (std::size_t m = 0; m < static_cast<std::size_t>(rows); ++m) {
    for (std::size_t n = 0; n < static_cast<std::size_t>(weight.rows); ++n) {
      double sum = 0;
      for (std::size_t k = 0; k < columns; ++k) {
        sum += static_cast<double>(round_to(compute, x[m * columns + k])) * round_to(compute, w[n * columns + k]);
      }
      result.push_back(sum);
    }
  }
  return result;
}

Int8Activations encode_activations(std::span<const float> x, std::int64_t rows, float threshold, OutlierScope scope) {
  const auto row_count = static_cast<std::size_t>(rows);
  const std::size_t columns = x.size() / row_count;
  Int8Activations result{std::vector<std::int8_t>(x.size()), std::vector<float>(row_count),
                         std::vector<bool>(x.size())};
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float value = int8_source(x[i]);
    if (!is_outlier(value, threshold)) {
      result.absmax[i / columns] = std::max(result.absmax[i / columns], std::abs(value));
      continue;
    }
    result.outliers[i] = true;
    for (std::size_t m = 0; scope == OutlierScope::call && m < row_count; ++m) {
      result.outliers[m * columns + i % columns] = true;
    }
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (result.outliers[i]) continue;
    result.codes[i] = encode_int8(int8_source(x[i]), int8_multiplier(result.absmax[i / columns]));
  }
  return result;
}

std::vector<double> int8_linear(std::span<const float> x, std::int64_t rows, const QuantizedTensor& weight,
                                ComputeType compute, float threshold, OutlierScope scope) {
  const Int8Activations activations = encode_activations(x, rows, threshold, scope);
  const std::vector<float> w = decode(weight);
  const auto columns = static_cast<std::size_t>(weight.columns);
  const auto codes = weight.codes.as<std::int8_t>();
  std::vector<double> result;
  for (std::size_t m = 0; m < static_cast<std::size_t>(rows); ++m) {
    for (std::size_t n = 0; n < static_cast<std::size_t>(weight.rows); ++n) {
      std::int64_t integers = 0;
      double outliers = 0;
      for (std::size_t k = 0; k < columns; ++k) {
        integers += activations.codes[m * columns + k] * codes[n * columns + k];
        if (activations.outliers[m * columns + k]) {
          outliers +=
              static_cast<double>(round_to(compute, x[m * columns + k])) * round_to(compute, w[n * columns + k]);
        }
      }
      const double scale = static_cast<double>(activations.absmax[m]) * weight.scales.as<float>()[n] / (127.0 * 127.0);
      result.push_back(static_cast<double>(integers) * scale + outliers);
    }
  }
  return result;
}

std::vector<double> rope(std::span<const float> head, std::int64_t position,
                         std::span<const float> inverse_frequencies) {
  const std::size_t half = inverse_frequencies.size();
  std::vector<double> result(head.begin(), head.end());
  for (std::size_t i = 0; i < half; ++i) {
    // The angle is rounded to fp32 by definition; far positions would otherwise differ visibly.
    const auto angle = static_cast<double>(static_cast<float>(position) * inverse_frequencies[i]);
    const double a = head[i];
    const double b = head[half + i];
    result[i] = a * std::cos(angle) - b * std::sin(angle);
    result[half + i] = b * std::cos(angle) + a * std::sin(angle);
  }
  return result;
}

std::vector<double> attend(std::span<const float> query, std::span<const float> keys, std::span<const float> values,
                           float scale, float soft_cap) {
  const std::size_t head_dim = query.size();
  const std::size_t positions = keys.size() / head_dim;
  std::vector<double> scores(positions);
  for (std::size_t p = 0; p < positions; ++p) {
    for (std::size_t d = 0; d < head_dim; ++d) scores[p] += static_cast<double>(query[d]) * keys[p * head_dim + d];
    scores[p] *= static_cast<double>(scale);
    if (soft_cap != 0.0F) scores[p] = soft_capped(scores[p], static_cast<double>(soft_cap));
  }
  const double maximum = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - maximum);
  std::vector<double> result(head_dim);
  for (std::size_t p = 0; p < positions; ++p) {
    for (std::size_t d = 0; d < head_dim; ++d) result[d] += scores[p] / sum * values[p * head_dim + d];
  }
  return result;
}

double silu_gate(double gate, double up) { return gate / (1.0 + std::exp(-gate)) * up; }

double gelu_tanh_gate(double gate, double up) {
  const double inner = std::sqrt(2.0 / std::numbers::pi) * (gate + 0.044715 * gate * gate * gate);
  return 0.5 * gate * (1.0 + std::tanh(inner)) * up;
}

double soft_capped(double value, double cap) { return cap * std::tanh(value / cap); }

double log_probability(std::span<const double> logits, std::int32_t target) {
  const double maximum = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - maximum);
  return logits[static_cast<std::size_t>(target)] - maximum - std::log(sum);
}

HeadPair compare_heads(std::span<const double> base, std::span<const double> other, std::int32_t target) {
  HeadPair pair;
  pair.base_log_probability = log_probability(base, target);
  pair.log_probability = log_probability(other, target);
  const auto wanted = static_cast<std::size_t>(target);
  for (std::size_t i = 0; i < base.size(); ++i) {
    const double base_log = base[i] - base[wanted] + pair.base_log_probability;
    const double other_log = other[i] - other[wanted] + pair.log_probability;
    pair.divergence += std::exp(base_log) * (base_log - other_log);
  }
  pair.same_top = top_token(base).id == top_token(other).id;
  return pair;
}

TopToken top_token(std::span<const double> logits) {
  const auto best = std::max_element(logits.begin(), logits.end());
  double second = -INFINITY;
  for (auto logit = logits.begin(); logit != logits.end(); ++logit) {
    if (logit != best) second = std::max(second, *logit);
  }
  return {static_cast<std::int32_t>(best - logits.begin()), static_cast<float>(*best),
          static_cast<float>(*best - second)};
}

std::vector<float> embed(const QuantizedTensor& table, std::int32_t id, ComputeType compute) {
  std::vector<float> values(static_cast<std::size_t>(table.columns));
  decode_rows(table, id, 1, values);
  for (float& value : values) value = round_to(compute, value);
  return values;
}

}  // namespace quantscope::reference
