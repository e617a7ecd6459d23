// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

/// One sequence whose attention tests compare.
namespace quantscope::testing {

inline float rounded_to(DataType type, float value) {
  if (type == DataType::fp16) return round_to(ComputeType::fp16, value);
  return type == DataType::bf16 ? round_to(ComputeType::bf16, value) : value;
}

struct AttentionCase {
  std::int64_t heads, kv_heads, head_dim, page_tokens;
  DataType type;
  std::int64_t window = 0;
  float soft_cap = 0.0F;
  float sharpness = 1.0F;  ///< factor of the usual scale of scores
};

inline std::string name_of(const AttentionCase& shape) {
  return std::to_string(shape.heads) + " heads of " + std::to_string(shape.head_dim) + " over " +
         std::to_string(shape.kv_heads) + ", window " + std::to_string(shape.window);
}

/// Queries, keys and values of one sequence, and what attention makes of them once the cache has rounded keys and
/// values to its type. Queries can be had in that type, so that rounding them changes nothing.
class AttentionScene {
 public:
  AttentionScene(AttentionCase shape, std::int64_t length, unsigned seed = 30) : shape_(shape), length_(length) {
    q_ = random_values(length * shape.heads * shape.head_dim, seed);
    k_ = random_values(length * shape.kv_heads * shape.head_dim, seed + 1);
    v_ = random_values(length * shape.kv_heads * shape.head_dim, seed + 2);
  }
  void round_queries() {
    for (float& value : q_) value = rounded_to(shape_.type, value);
  }

  AttentionShape attention(std::int64_t layer) const {
    const float scale = shape_.sharpness / std::sqrt(static_cast<float>(shape_.head_dim));
    return {layer, shape_.heads, shape_.kv_heads, shape_.head_dim, scale, shape_.window, shape_.soft_cap};
  }
  std::int64_t length() const { return length_; }
  std::int64_t page_count() const { return (length_ + shape_.page_tokens - 1) / shape_.page_tokens; }
  KvShape cache(std::int64_t pages) const {
    return {2, shape_.kv_heads, shape_.head_dim, shape_.page_tokens, pages, shape_.type};
  }
  std::vector<float> q(std::int64_t first, std::int64_t end) const { return part(q_, first, end); }
  std::vector<float> k(std::int64_t first, std::int64_t end) const { return part(k_, first, end); }
  std::vector<float> v(std::int64_t first, std::int64_t end) const { return part(v_, first, end); }

  /// Runs in passes that end at the given positions, over pages in descending order.
  std::vector<float> run(Backend& backend, const std::vector<std::int64_t>& ends) const {
    const std::int64_t pages = page_count();
    auto kv = backend.create_kv(cache(pages + 2));
    EXPECT_TRUE(kv.has_value());
    std::vector<std::int32_t> page_ids;
    for (std::int64_t p = 0; p < pages; ++p) page_ids.push_back(static_cast<std::int32_t>(pages + 1 - p));
    std::vector<float> result;
    std::int64_t first = 0;
    for (const std::int64_t end : ends) {
      const std::int64_t rows = end - first;
      const auto queries = create_filled(backend, q(first, end), rows);
      const auto keys = create_filled(backend, k(first, end), rows);
      const auto values = create_filled(backend, v(first, end), rows);
      const auto out = create_filled(backend, q(first, end), rows);
      const SequenceRows sequence{page_ids, first, 0, rows};
      EXPECT_TRUE(backend.rope_append(*queries, *keys, *values, attention(1), {}, {&sequence, 1}, **kv).has_value());
      EXPECT_TRUE(backend.attention(*queries, attention(1), {&sequence, 1}, **kv, *out).has_value());
      const auto row_values = values_of(backend, *out, rows);
      result.insert(result.end(), row_values.begin(), row_values.end());
      first = end;
    }
    return result;
  }

  /// Of all rows; as if the position `missing` were not there. 0 of a row that then sees nothing.
  std::vector<double> expected(std::int64_t missing = -1) const {
    std::vector<double> result;
    for (std::int64_t p = 0; p < length_; ++p) {
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        const auto row = attend(p, h, seen(v_, p, h, missing), missing);
        result.insert(result.end(), row.begin(), row.end());
      }
    }
    return result;
  }

  /// The most that results may change to first order when every weight of a softmax is rounded by a relative error of
  /// at most `error`, and the sum is that of the rounded weights: error * sum of weight * |value - result|.
  std::vector<double> rounding_of_weights(double error) const {
    std::vector<double> result;
    for (std::int64_t p = 0; p < length_; ++p) {
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        auto values = seen(v_, p, h, -1);
        const auto mean = attend(p, h, values, -1);
        for (std::size_t i = 0; i < values.size(); ++i)
          values[i] = static_cast<float>(std::abs(static_cast<double>(values[i]) - mean[i % mean.size()]));
        for (const double deviation : attend(p, h, values, -1)) result.push_back(error * deviation);
      }
    }
    return result;
  }

 private:
  std::vector<float> part(const std::vector<float>& values, std::int64_t first, std::int64_t end) const {
    const std::int64_t width = std::ssize(values) / length_;
    return {values.begin() + first * width, values.begin() + end * width};
  }
  std::vector<double> attend(std::int64_t position, std::int64_t head, const std::vector<float>& values,
                             std::int64_t missing) const {
    if (values.empty()) return std::vector<double>(static_cast<std::size_t>(shape_.head_dim));
    const float* const query = q_.data() + (position * shape_.heads + head) * shape_.head_dim;
    return reference::attend({query, static_cast<std::size_t>(shape_.head_dim)}, seen(k_, position, head, missing),
                             values, attention(0).scale, shape_.soft_cap);
  }
  /// Keys or values that a row's head sees, as they are in the cache.
  std::vector<float> seen(const std::vector<float>& values, std::int64_t position, std::int64_t head,
                          std::int64_t missing) const {
    const std::int64_t begin = shape_.window > 0 ? std::max<std::int64_t>(0, position + 1 - shape_.window) : 0;
    const std::int64_t kv_head = head / (shape_.heads / shape_.kv_heads);
    std::vector<float> result;
    for (std::int64_t p = begin; p <= position; ++p) {
      if (p == missing) continue;
      const float* const at = values.data() + (p * shape_.kv_heads + kv_head) * shape_.head_dim;
      for (std::int64_t d = 0; d < shape_.head_dim; ++d) result.push_back(rounded_to(shape_.type, at[d]));
    }
    return result;
  }

  AttentionCase shape_;
  std::int64_t length_;
  std::vector<float> q_, k_, v_;
};

}  // namespace quantscope::testing
