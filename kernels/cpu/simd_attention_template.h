// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cpu/simd_kernels.h"

/// Attention over a vector type `L`. Internal linkage, see simd_linear_template.h.
namespace quantscope {
namespace {

/// Element types of the KV cache.
template <class L>
struct CacheFloat {
  using Element = float;
  static typename L::Vector load(const Element* values) { return L::load(values); }
};
template <class L>
struct CacheHalf {
  using Element = std::uint16_t;
  static typename L::Vector load(const Element* values) { return L::load_half(values); }
};
template <class L>
struct CacheBfloat {
  using Element = std::uint16_t;
  static typename L::Vector load(const Element* values) { return L::load_bfloat(values); }
};

/// One element by way of a padded vector: rests of a page or of a head that do not fill a vector.
template <class L, class Cache>
float load_one(const typename Cache::Element* value) {
  typename Cache::Element padded[L::width] = {};
  padded[0] = *value;
  float lanes[L::width];
  L::store(lanes, Cache::load(padded));
  return lanes[0];
}

/// Scores of `vectors * width` neighbouring positions for H queries.
template <class L, class Cache, int H, int vectors>
void score_positions(const typename Cache::Element* keys, const KeyPage& page, const float* queries, float* scores,
                     std::int64_t score_stride) {
  typename L::Vector sums[H][vectors];
  for (int h = 0; h < H; ++h) {
    for (int v = 0; v < vectors; ++v) sums[h][v] = L::broadcast(0.0F);
  }
  for (std::int64_t d = 0; d < page.head_dim; ++d, keys += page.page_tokens) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      const auto key = Cache::load(keys + v * L::width);
#pragma GCC unroll 4
      for (int h = 0; h < H; ++h) {
        sums[h][v] = L::multiply_add(L::broadcast(queries[h * page.head_dim + d]), key, sums[h][v]);
      }
    }
  }
  for (int h = 0; h < H; ++h) {
    for (int v = 0; v < vectors; ++v) L::store(scores + h * score_stride + v * L::width, sums[h][v]);
  }
}

template <class L, class Cache>
void score_position(const typename Cache::Element* keys, const KeyPage& page, const float* query, float* score) {
  float sum = 0.0F;
  for (std::int64_t d = 0; d < page.head_dim; ++d) sum += query[d] * load_one<L, Cache>(keys + d * page.page_tokens);
  *score = sum;
}

/// Which of the three paths a position takes depends on its place in the page alone.
template <class L, class Cache, int H>
void score_page(const KeyPage& page, const float* queries, float* scores, std::int64_t score_stride) {
  const auto* keys = static_cast<const typename Cache::Element*>(page.keys);
  std::int64_t t = 0;
  for (; t < page.used && t + 2 * L::width <= page.page_tokens; t += 2 * L::width) {
    score_positions<L, Cache, H, 2>(keys + t, page, queries, scores + t, score_stride);
  }
  for (; t < page.used && t + L::width <= page.page_tokens; t += L::width) {
    score_positions<L, Cache, H, 1>(keys + t, page, queries, scores + t, score_stride);
  }
  for (; t < page.used; ++t) {
    for (int h = 0; h < H; ++h) {
      score_position<L, Cache>(keys + t, page, queries + h * page.head_dim, scores + h * score_stride + t);
    }
  }
}

template <class L, class Cache>
void scores(const KeyPage& page, const float* queries, int heads, float* out, std::int64_t score_stride) {
  switch (heads) {
    case 1: return score_page<L, Cache, 1>(page, queries, out, score_stride);
    case 2: return score_page<L, Cache, 2>(page, queries, out, score_stride);
    case 3: return score_page<L, Cache, 3>(page, queries, out, score_stride);
    default: return score_page<L, Cache, 4>(page, queries, out, score_stride);
  }
}

/// What accumulate() is called with.
struct ValueRows {
  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;
  const float* weights = nullptr;
  std::int64_t weight_stride = 0;
};

template <class L, class Cache, int H, int vectors>
void accumulate_columns(const typename Cache::Element* values, const ValueRows& rows, float* outputs) {
  typename L::Vector sums[H][vectors];
  for (int h = 0; h < H; ++h) {
    for (int v = 0; v < vectors; ++v) sums[h][v] = L::load(outputs + h * rows.head_dim + v * L::width);
  }
  for (std::int64_t t = 0; t < rows.tokens; ++t, values += rows.head_dim) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      const auto value = Cache::load(values + v * L::width);
#pragma GCC unroll 4
      for (int h = 0; h < H; ++h) {
        sums[h][v] = L::multiply_add(L::broadcast(rows.weights[h * rows.weight_stride + t]), value, sums[h][v]);
      }
    }
  }
  for (int h = 0; h < H; ++h) {
    for (int v = 0; v < vectors; ++v) L::store(outputs + h * rows.head_dim + v * L::width, sums[h][v]);
  }
}

template <class L, class Cache, int H>
void accumulate_heads(const void* values, const ValueRows& rows, float* outputs) {
  const auto* first = static_cast<const typename Cache::Element*>(values);
  constexpr int wide = L::attention_vectors;
  std::int64_t d = 0;
  for (; d + wide * L::width <= rows.head_dim; d += wide * L::width) {
    accumulate_columns<L, Cache, H, wide>(first + d, rows, outputs + d);
  }
  for (; d + L::width <= rows.head_dim; d += L::width) {
    accumulate_columns<L, Cache, H, 1>(first + d, rows, outputs + d);
  }
  for (; d < rows.head_dim; ++d) {
    for (int h = 0; h < H; ++h) {
      float sum = outputs[h * rows.head_dim + d];
      for (std::int64_t t = 0; t < rows.tokens; ++t) {
        sum += rows.weights[h * rows.weight_stride + t] * load_one<L, Cache>(first + t * rows.head_dim + d);
      }
      outputs[h * rows.head_dim + d] = sum;
    }
  }
}

template <class L, class Cache>
void accumulate(const void* values, std::int64_t tokens, std::int64_t head_dim, const float* weights,
                std::int64_t weight_stride, int heads, float* outputs) {
  const ValueRows rows{tokens, head_dim, weights, weight_stride};
  switch (heads) {
    case 1: return accumulate_heads<L, Cache, 1>(values, rows, outputs);
    case 2: return accumulate_heads<L, Cache, 2>(values, rows, outputs);
    case 3: return accumulate_heads<L, Cache, 3>(values, rows, outputs);
    default: return accumulate_heads<L, Cache, 4>(values, rows, outputs);
  }
}

template <class L>
constexpr void fill_attention_kernels(SimdKernels& kernels) {
  kernels.attention[static_cast<int>(DataType::fp32)] = {scores<L, CacheFloat<L>>, accumulate<L, CacheFloat<L>>};
  kernels.attention[static_cast<int>(DataType::fp16)] = {scores<L, CacheHalf<L>>, accumulate<L, CacheHalf<L>>};
  kernels.attention[static_cast<int>(DataType::bf16)] = {scores<L, CacheBfloat<L>>, accumulate<L, CacheBfloat<L>>};
}

}  // namespace
}  // namespace quantscope
